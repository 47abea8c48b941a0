import { sourceName } from '../../model/freshness.ts'
import { needsOf } from '../../model/needs.ts'
import { useClock, useStore } from '../context.tsx'
import { Age } from '../parts/age.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'

/** More is a list that nobody reads: the pages have the rest. */
const mostShown = 12

/** How often a failure may grow too old to be shown, ms. */
const halfMinute = 30_000

/** Nobody is blind and calls it well: what is not heard is named. */
function AllWell() {
  const sources = useStore('source').all('source')
  const lost = sources.filter(({ name, state }) => state === 'lost' && (name === 'master' || name === 'marathon'))
  if (lost.length === 0) return <Status mark="good">Nothing: no app waits, every node is reachable.</Status>
  return (
    <Status mark="warn">
      Nothing is known to need you, but the router does not hear {lost.map(({ name }) => sourceName(name)).join(', ')}.
    </Status>
  )
}

/** What waits, is degraded, out of reach or has failed, each with its sentence: why is never a click away. */
export function Needs() {
  const store = useStore('app', 'pod', 'deployment', 'wait', 'agent', 'task')
  const needs = needsOf(
    store,
    useClock(now => now - (now % halfMinute)),
  )
  return (
    <Section title={needs.length === 0 ? 'Needs you' : `Needs you (${needs.length})`}>
      {needs.length === 0 ? (
        <AllWell />
      ) : (
        <ul className="need-list">
          {needs.slice(0, mostShown).map(({ key, mark, name, word, sentence, since, href }) => (
            <li key={key} className="need">
              <a href={href} className="need-name">
                {name}
              </a>
              <Status mark={mark}>{word}</Status>
              <span className="need-sentence">{sentence}</span>
              <span className="need-age quiet">
                <Age at={since} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {needs.length > mostShown && <p className="quiet">and {`${needs.length - mostShown} more`}</p>}
    </Section>
  )
}
