import { type ReactNode, useState } from 'react'
import { deleteCall, restartCall, scaleCall } from '../../act/marathon.ts'
import type { Service } from '../../model/services.ts'
import { CallDialog } from './call-dialog.tsx'
import { EditDialog } from './definition-dialog.tsx'

type Action = 'scale' | 'restart' | 'edit' | 'delete'

/** What can be done to an app or a pod. */
export function AppActions({ service }: { service: Service }) {
  const [action, setAction] = useState<Action>()
  const close = () => setAction(undefined)
  const isApp = service.kind === 'app'
  const button = (name: Action, label: string) => (
    <button type="button" onClick={() => setAction(name)}>
      {label}
    </button>
  )
  return (
    <div className="buttons">
      {isApp && button('scale', 'Scale')}
      {isApp && button('restart', 'Restart')}
      {isApp && button('edit', 'Edit')}
      {button('delete', 'Delete')}
      {action && dialogOf(action, service, close)}
    </div>
  )
}

function dialogOf(action: Action, service: Service, close: () => void): ReactNode {
  const { id, kind } = service
  if (action === 'scale') return <ScaleDialog service={service} close={close} />
  if (action === 'edit') return <EditDialog id={id} close={close} />
  if (action === 'restart')
    return (
      <CallDialog title={`Restart ${id}`} verb="Restart" call={restartCall(id)} close={close}>
        <p>Each instance is replaced by a new one, as its upgrade strategy says.</p>
      </CallDialog>
    )
  return (
    <CallDialog title={`Delete ${id}`} verb="Delete" call={deleteCall(kind, id)} typed={id} close={close}>
      <p>All its instances are stopped, and its definition is forgotten. This can not be undone.</p>
    </CallDialog>
  )
}

function ScaleDialog({ service, close }: { service: Service; close: () => void }) {
  const [text, setText] = useState(String(service.wanted))
  // An emptied field must not stop an app: only a number that was typed is one.
  const instances = /^\d+$/.test(text) ? Number(text) : undefined
  return (
    <CallDialog
      title={`Scale ${service.id}`}
      verb={instances === 0 ? 'Stop' : 'Scale'}
      call={instances === undefined ? undefined : scaleCall(service.id, instances)}
      close={close}
    >
      <label className="field">
        <span>Instances ({service.running} run now)</span>
        <input type="number" min={0} step={1} value={text} onChange={event => setText(event.target.value)} />
      </label>
    </CallDialog>
  )
}
