import type { Deployment } from '../deploy/deployment.ts'
import { stepView } from '../deploy/executor.ts'
import { actionName } from '../deploy/plan.ts'
import type { State } from '../state.ts'
import { readinessOf } from './app.ts'

/** The deployment object of contract 6.3. */
export function deploymentView(state: State, deployment: Deployment): Record<string, unknown> {
  const actions = deployment.steps.flat()
  const affected = (kind: 'app' | 'pod'): string[] => [
    ...new Set(actions.filter(action => action.service === kind).map(action => action.id)),
  ]
  return {
    id: deployment.id,
    version: deployment.version,
    affectedApps: affected('app'),
    affectedPods: affected('pod'),
    steps: deployment.steps.map(stepView),
    currentActions: (deployment.steps[deployment.current] ?? []).map(action => ({
      action: actionName(action),
      [action.service]: action.id,
      readinessCheckResults: readinessOf(state, action.id),
    })),
    currentStep: Math.min(deployment.current + 1, deployment.steps.length),
    totalSteps: deployment.steps.length,
  }
}
