import { useEffect, useState } from 'react'
import { type Call, createCall, forced, readDefinition, replaceCall } from '../../act/marathon.ts'
import { refusalOf } from '../../act/request.ts'
import type { Refusal } from '../../model/answers.ts'
import { Dialog } from '../parts/dialog.tsx'
import { RefusalNote } from '../parts/refusal.tsx'
import { AcceptedNote, useCall } from './call-dialog.tsx'

const example = `{
  "id": "/hello",
  "cmd": "while true; do echo hello; sleep 5; done",
  "instances": 1,
  "cpus": 0.1,
  "mem": 32
}
`

/** A new app, pod or group from its JSON. */
export function NewAppDialog({ close }: { close: () => void }) {
  return <DefinitionDialog title="New app" verb="Deploy" start={example} callOf={createCall} close={close} />
}

/** Another definition for an app, beginning with the one it has. */
export function EditDialog({ id, close }: { id: string; close: () => void }) {
  const { text, refusal } = useDefinition('app', id)
  if (text === undefined)
    return (
      <Dialog title={`Edit ${id}`} close={close}>
        {refusal ? <RefusalNote refusal={refusal} /> : <p>Reading its definition …</p>}
      </Dialog>
    )
  return (
    <DefinitionDialog
      title={`Edit ${id}`}
      verb="Apply"
      start={text}
      callOf={definition => replaceCall(id, definition)}
      close={close}
    />
  )
}

/** The definition of an app or pod as text, read once. */
export function useDefinition(kind: 'app' | 'pod', id: string): { text?: string; refusal?: Refusal } {
  const [state, setState] = useState<{ text?: string; refusal?: Refusal }>({})
  useEffect(() => {
    let wanted = true
    readDefinition(kind, id).then(
      definition => wanted && setState({ text: `${JSON.stringify(definition, null, 2)}\n` }),
      error => wanted && setState({ refusal: refusalOf(error) }),
    )
    return () => {
      wanted = false
    }
  }, [kind, id])
  return state
}

interface DefinitionDialogProps {
  readonly title: string
  readonly verb: string
  readonly start: string
  readonly callOf: (definition: unknown) => Call
  readonly close: () => void
}

function DefinitionDialog({ title, verb, start, callOf, close }: DefinitionDialogProps) {
  const [text, setText] = useState(start)
  const { state, run } = useCall()
  const { call, problem } = read(text, callOf)
  return (
    <Dialog title={title} close={close} wide>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (call && !state.busy) run(call)
        }}
      >
        <label className="field">
          <span>Definition (JSON of an app; a pod has containers, a group has apps)</span>
          <textarea
            rows={16}
            value={text}
            spellCheck={false}
            aria-invalid={problem !== undefined}
            onChange={event => setText(event.target.value)}
          />
        </label>
        {problem && <p className="field-problem">{problem}</p>}
        {state.refusal && <RefusalNote refusal={state.refusal} />}
        {state.accepted && <AcceptedNote accepted={state.accepted} />}
        <div className="buttons">
          <button type="button" onClick={close}>
            {state.accepted ? 'Close' : 'Cancel'}
          </button>
          {state.refusal?.locked && call && (
            <button type="button" className="danger" disabled={state.busy} onClick={() => run(forced(call))}>
              Force {verb.toLowerCase()}
            </button>
          )}
          <button type="submit" className="primary" disabled={state.busy || !call || state.accepted !== undefined}>
            {state.busy ? 'Waiting for the cluster …' : verb}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function read(text: string, callOf: (definition: unknown) => Call): { call?: Call; problem?: string } {
  try {
    const definition: unknown = JSON.parse(text)
    if (typeof definition !== 'object' || definition === null) return { problem: 'A definition is an object: { … }' }
    return { call: callOf(definition) }
  } catch (error) {
    return { problem: `This is not JSON: ${(error as Error).message}` }
  }
}
