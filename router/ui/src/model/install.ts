import { plural } from './format.ts'
import { linkOf } from './services.ts'
import type { Store } from './store.ts'

export interface Step {
  readonly name: string
  readonly state: 'done' | 'now' | 'next'
  readonly detail: string
}

export interface Progress {
  readonly steps: readonly Step[]
  readonly done: boolean
  /** Where its page is, once it is there. */
  readonly link: string | undefined
}

/** How far an installed app has come, from the cluster's own words and nothing else. Pure. */
export function progressOf(store: Store, appId: string): Progress {
  const app = store.get('app', appId)
  const deployment = store.all('deployment').find(({ affectedApps }) => affectedApps?.includes(appId))
  const wait = store.get('wait', appId)
  const wanted = app?.instances ?? 0
  const running = app?.tasksRunning ?? 0
  const healthy = app?.tasksHealthy ?? 0
  const checked = (app?.healthChecks ?? 0) > 0
  const facts: [string, boolean, string][] = [
    ['Accepted by the catalog', true, `as ${appId}`],
    ['Known to Marathon', app !== undefined, app ? plural(wanted, 'instance') : ''],
    ['Instances running', app !== undefined && running >= wanted, app ? `${running} of ${wanted}` : ''],
  ]
  if (checked) facts.push(['Healthy', healthy >= wanted, `${healthy} of ${wanted}`])
  const ended = app !== undefined && !deployment && (app.deployments?.length ?? 0) === 0
  facts.push([
    'Deployment complete',
    ended && facts.every(([, done]) => done),
    deployment ? `step ${deployment.currentStep ?? 1} of ${deployment.totalSteps ?? 1}` : '',
  ])
  const current = facts.findIndex(([, done]) => !done)
  const steps = facts.map(
    ([name, done, detail], index): Step => ({
      name,
      state: current === -1 || index < current ? 'done' : index === current ? 'now' : done ? 'done' : 'next',
      detail: index === current && wait ? `${detail}${detail ? '; ' : ''}${wait.sentence}` : detail,
    }),
  )
  return { steps, done: current === -1, link: app?.labels && linkOf(app.labels) }
}
