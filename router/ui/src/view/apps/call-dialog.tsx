import { type ReactNode, useState } from 'react'
import { type Accepted, type Call, forced, send } from '../../act/marathon.ts'
import { refusalOf } from '../../act/request.ts'
import type { Refusal } from '../../model/answers.ts'
import { Dialog } from '../parts/dialog.tsx'
import { RefusalNote } from '../parts/refusal.tsx'

interface CallDialogProps {
  readonly title: string
  /** What the button says. */
  readonly verb: string
  /** Nothing while what was typed is no call yet. */
  readonly call: Call | undefined
  readonly close: () => void
  readonly children?: ReactNode
  /** Must be typed before what can not be undone. */
  readonly typed?: string
  readonly done?: () => void
}

/** One call of Marathon's API: shown, confirmed, sent, and what the cluster answers. A lock is answered with the choice of force. */
export function CallDialog({ title, verb, call, close, children, typed, done }: CallDialogProps) {
  const { state, run } = useCall(done)
  const [name, setName] = useState('')
  if (state.accepted)
    return (
      <Dialog title={title} close={close}>
        <AcceptedNote accepted={state.accepted} />
        <div className="buttons">
          <button type="button" className="primary" onClick={close}>
            Close
          </button>
        </div>
      </Dialog>
    )
  const ready = !state.busy && (typed === undefined || name === typed) ? call : undefined
  return (
    <Dialog title={title} close={close}>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (ready) run(ready)
        }}
      >
        {children}
        {typed !== undefined && (
          <label className="field">
            <span>
              Type <code>{typed}</code> to confirm
            </span>
            <input value={name} onChange={event => setName(event.target.value)} autoComplete="off" spellCheck={false} />
          </label>
        )}
        {call && (
          <p className="quiet call-line">
            <code>
              {call.method} {call.path} {call.body === undefined ? '' : JSON.stringify(call.body)}
            </code>
          </p>
        )}
        {state.refusal && <RefusalNote refusal={state.refusal} />}
        <div className="buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          {state.refusal?.locked && (
            <button type="button" className="danger" disabled={!ready} onClick={() => ready && run(forced(ready))}>
              Force {verb.toLowerCase()}
            </button>
          )}
          <button type="submit" className={typed === undefined ? 'primary' : 'danger'} disabled={!ready}>
            {state.busy ? 'Waiting for the cluster …' : verb}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

/** What the cluster took on. It is not done yet: the rows tell when. */
export function AcceptedNote({ accepted }: { accepted: Accepted }) {
  return (
    <div className="note" role="status">
      <p>The cluster accepted it{accepted.deploymentId ? ' and is deploying it' : ''}.</p>
      {accepted.deploymentId && (
        <p className="quiet">
          deployment <code>{accepted.deploymentId}</code>
        </p>
      )}
    </div>
  )
}

export interface CallState {
  readonly busy: boolean
  readonly refusal: Refusal | undefined
  readonly accepted: Accepted | undefined
}

/** Sends calls, one at a time, and keeps the last answer. */
export function useCall(done?: () => void): { state: CallState; run: (call: Call) => void } {
  const [state, setState] = useState<CallState>({ busy: false, refusal: undefined, accepted: undefined })
  const run = (call: Call) => {
    setState({ busy: true, refusal: undefined, accepted: undefined })
    send(call).then(
      accepted => {
        setState({ busy: false, refusal: undefined, accepted })
        done?.()
      },
      error => setState({ busy: false, refusal: refusalOf(error), accepted: undefined }),
    )
  }
  return { state, run }
}
