import { useState } from 'react'
import { rollBackCall } from '../../act/marathon.ts'
import { percent, timeOf } from '../../model/format.ts'
import type { Deployment } from '../../model/objects.ts'
import { CallDialog } from '../apps/call-dialog.tsx'
import { useStore } from '../context.tsx'
import { Age } from '../parts/age.tsx'
import { Bar } from '../parts/meter.tsx'
import { Section } from '../parts/section.tsx'

/** Deployments that are under way; each can be taken back. */
export function Deployments() {
  const deployments = useStore('deployment').all('deployment')
  const [rollBack, setRollBack] = useState<Deployment>()
  if (deployments.length === 0 && !rollBack) return null
  return (
    <Section title={`Deployments (${deployments.length})`} source="marathon">
      <ul className="deployments">
        {deployments.map(deployment => (
          <li key={deployment.id}>
            <div className="deployment-names">
              {namesOf(deployment).map(name => (
                <a key={name} href={`#/apps/${encodeURIComponent(name)}`}>
                  {name}
                </a>
              ))}
            </div>
            <div className="deployment-step">
              <span>
                step {deployment.currentStep ?? 1} of {deployment.totalSteps ?? 1}
                <span className="quiet"> {actionsOf(deployment)}</span>
              </span>
              <Bar
                label="Steps done"
                value={percent((deployment.currentStep ?? 1) - 0.5, deployment.totalSteps ?? 1)}
              />
            </div>
            <span className="quiet">
              <Age at={timeOf(deployment.version)} />
            </span>
            <button type="button" onClick={() => setRollBack(deployment)}>
              Roll back
            </button>
          </li>
        ))}
      </ul>
      {rollBack && (
        <CallDialog
          title={`Roll back the deployment of ${namesOf(rollBack).join(', ')}`}
          verb="Roll back"
          call={rollBackCall(rollBack.id)}
          close={() => setRollBack(undefined)}
        >
          <p>What it changed returns to how it was; what it created is deleted.</p>
        </CallDialog>
      )}
    </Section>
  )
}

const namesOf = ({ affectedApps = [], affectedPods = [] }: Deployment): string[] => [...affectedApps, ...affectedPods]

/** `ScaleApplication` is `scale`. */
function actionsOf({ currentActions = [] }: Deployment): string {
  const words = currentActions.map(({ action }) => action.replace(/(Application|Pod)$/, '').toLowerCase())
  return [...new Set(words)].join(', ')
}
