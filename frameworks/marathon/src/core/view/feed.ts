import type { FeedKind } from '../effects.ts'
import type { Millis } from '../model.ts'
import type { State } from '../state.ts'
import { appFeedView } from './app.ts'
import { deploymentView } from './deployment.ts'
import { groupFeedView } from './group.ts'
import { podStatus } from './pod.ts'
import { waitView } from './wait.ts'

/** The body of an object of the feed (docs/architecture.md); undefined when there is none. */
export function feedBody(
  state: State,
  kind: Exclude<FeedKind, 'info' | 'instance'>,
  key: string,
  now: Millis,
): object | undefined {
  switch (kind) {
    case 'app': {
      const service = state.root.services.get(key)
      return service?.kind === 'app' ? appFeedView(state, service) : undefined
    }
    case 'pod': {
      const service = state.root.services.get(key)
      if (service?.kind !== 'pod') return undefined
      const { terminationHistory: _history, ...status } = podStatus(state, service)
      return status
    }
    case 'group':
      return groupFeedView(state, key)
    case 'deployment': {
      const deployment = state.deployments.get(key)
      return deployment && deploymentView(state, deployment)
    }
    case 'wait':
      return waitView(state, key, now)
  }
}
