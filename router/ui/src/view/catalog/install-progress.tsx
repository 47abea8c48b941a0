import type { InstallAnswer } from '../../act/catalog.ts'
import { progressOf, type Step } from '../../model/install.ts'
import type { Mark } from '../../model/marks.ts'
import { formatRoute } from '../../model/route.ts'
import { useStore } from '../context.tsx'
import { ServiceLink } from '../parts/facts.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'

const marks: Readonly<Record<Step['state'], Mark>> = { done: 'good', now: 'busy', next: 'idle' }

/** How far the installation has come, as the cluster tells it. Leaving the page does not stop it. */
export function InstallProgress({ answer }: { answer: InstallAnswer }) {
  const store = useStore('app', 'deployment', 'wait')
  const { appId, packageName, packageVersion, postInstallNotes } = answer
  if (appId === undefined)
    return (
      <Section title="Install">
        <p className="note">
          {packageName} {packageVersion} brings commands only: there is nothing for the cluster to run.
        </p>
      </Section>
    )
  const { steps, done, link } = progressOf(store, appId)
  return (
    <Section title={done ? `${packageName} is installed` : `Installing ${packageName}`} source="marathon">
      <ol className="steps" aria-live="polite">
        {steps.map(({ name, state, detail }) => (
          <li key={name}>
            <Status mark={marks[state]}>{name}</Status>
            <span className="quiet">{detail}</span>
            <span className="only-heard">{state}</span>
          </li>
        ))}
      </ol>
      <p className="buttons">
        <a href={formatRoute('apps', appId)}>{appId}</a>
        {link && <ServiceLink href={link}>{link}</ServiceLink>}
      </p>
      {postInstallNotes && <p className="note notes">{postInstallNotes}</p>}
    </Section>
  )
}
