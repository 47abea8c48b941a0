import { useEffect, useState } from 'react'
import { type Definition, describe, type InstallAnswer, install } from '../../act/catalog.ts'
import { refusalOf } from '../../act/request.ts'
import { fieldOfPointer, type Refusal } from '../../model/answers.ts'
import { type Edits, groupsOf, optionsOf, type Problem } from '../../model/package-form.ts'
import { Facts } from '../parts/facts.tsx'
import { RefusalNote } from '../parts/refusal.tsx'
import { Section } from '../parts/section.tsx'
import { InstallProgress } from './install-progress.tsx'
import { OptionsForm } from './options-form.tsx'

/** One package as it was when it was opened: what is shown is what is installed, though the catalog moves on. */
export function PackageDetails({ name }: { name: string }) {
  const [definition, setDefinition] = useState<Definition>()
  const [refusal, setRefusal] = useState<Refusal>()
  useEffect(() => {
    let wanted = true
    describe(name).then(
      found => wanted && setDefinition(found),
      error => wanted && setRefusal(refusalOf(error)),
    )
    return () => {
      wanted = false
    }
  }, [name])
  if (refusal) return <RefusalNote refusal={refusal} />
  if (!definition) return <p className="empty">Asking the catalog …</p>
  return (
    <>
      <Section title={`${definition.name} ${definition.version}`} source="universe">
        <p className="package-text">{definition.description}</p>
        <Facts
          facts={[
            ['Maintainer', definition.maintainer],
            ['Tags', definition.tags?.join(', ')],
            ['Licences', definition.licenses?.map(licence => licence.name).join(', ')],
            ['Source', definition.scm ?? definition.website],
          ]}
        />
        {definition.preInstallNotes && <p className="note notes">{definition.preInstallNotes}</p>}
      </Section>
      <InstallForm key={definition.version} definition={definition} />
    </>
  )
}

interface State {
  readonly busy?: boolean
  readonly refusal?: Refusal
  readonly answer?: InstallAnswer
}

function InstallForm({ definition }: { definition: Definition }) {
  const groups = groupsOf(definition.config)
  const [edits, setEdits] = useState<Edits>({})
  const [tried, setTried] = useState(false)
  const [state, setState] = useState<State>({})
  const { options, problems } = optionsOf(groups, edits)
  const changed = Object.keys(options).length > 0
  const run = () => {
    setTried(true)
    if (problems.length > 0 || state.busy) return
    setState({ busy: true })
    install(definition.name, definition.version, options).then(
      answer => setState({ answer }),
      error => setState({ refusal: refusalOf(error) }),
    )
  }
  if (state.answer) return <InstallProgress answer={state.answer} />
  const shownProblems = [...(tried ? problems : []), ...refusedFields(state.refusal)]
  return (
    <Section
      title="Install"
      source="universe"
      aside={
        <button type="button" className="primary" disabled={state.busy} onClick={run}>
          {state.busy ? 'Waiting for the catalog …' : changed ? 'Install with these options' : 'Install with defaults'}
        </button>
      }
    >
      {state.refusal && <RefusalNote refusal={state.refusal} />}
      {tried && problems.length > 0 && (
        <p className="note note-bad" role="alert">
          {problems.length === 1 ? 'One option needs a look.' : `${problems.length} options need a look.`}
        </p>
      )}
      {!definition.marathon && <p className="note">This package brings commands only: it starts no app.</p>}
      {changed && (
        <details className="sent">
          <summary>What will be sent</summary>
          <pre className="text">{JSON.stringify(options, null, 2)}</pre>
        </details>
      )}
      <OptionsForm groups={groups} edits={edits} change={setEdits} problems={shownProblems} />
    </Section>
  )
}

const refusedFields = (refusal: Refusal | undefined): Problem[] =>
  (refusal?.details ?? []).map(({ path, text }) => ({ name: fieldOfPointer(path), message: text }))
