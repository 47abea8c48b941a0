import { useState } from 'react'
import { uninstall } from '../../act/catalog.ts'
import { refusalOf } from '../../act/request.ts'
import type { Refusal } from '../../model/answers.ts'
import { markOfStatus } from '../../model/app-status.ts'
import type { Installed } from '../../model/objects.ts'
import { formatRoute } from '../../model/route.ts'
import { type Service, serviceOf } from '../../model/services.ts'
import { useStore } from '../context.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ServiceLink } from '../parts/facts.tsx'
import { RefusalNote } from '../parts/refusal.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { type Column, Table } from '../parts/table.tsx'

interface Row {
  readonly installed: Installed
  readonly service: Service | undefined
}

/** Installed packages with the state of their apps. */
export function InstalledPackages() {
  const store = useStore('installed', 'app', 'wait')
  const [removing, setRemoving] = useState<Installed>()
  const rows = store.all('installed').map(installed => ({ installed, service: serviceOf(store, installed.appId) }))
  if (rows.length === 0 && !removing) return null
  const columns: readonly Column<Row>[] = [
    {
      name: 'Package',
      head: true,
      cell: ({ installed }) => (
        <>
          <a href={formatRoute('catalog', installed.packageName)}>{installed.packageName}</a>{' '}
          <span className="quiet">{installed.packageVersion}</span>
        </>
      ),
    },
    { name: 'App', cell: ({ installed }) => <a href={formatRoute('apps', installed.appId)}>{installed.appId}</a> },
    {
      name: 'Status',
      cell: ({ service }) =>
        service && (
          <Status mark={markOfStatus(service.status)}>
            {service.status} {service.running}/{service.wanted}
          </Status>
        ),
    },
    { name: 'Why', wide: true, cell: ({ service }) => service?.reason },
    { name: 'Page', cell: ({ service }) => service?.link && <ServiceLink href={service.link}>open</ServiceLink> },
    {
      name: '',
      align: 'end',
      cell: ({ installed }) => (
        <button type="button" aria-label={`Uninstall ${installed.appId}`} onClick={() => setRemoving(installed)}>
          Uninstall
        </button>
      ),
    },
  ]
  return (
    <Section title="Installed" source="universe">
      <Table
        label="Installed packages"
        rows={rows}
        columns={columns}
        keyOf={({ installed }) => installed.appId}
        empty="Nothing is installed."
      />
      {removing && <UninstallDialog installed={removing} close={() => setRemoving(undefined)} />}
    </Section>
  )
}

type State = { readonly busy?: boolean; readonly refusal?: Refusal; readonly notes?: string }

function UninstallDialog({ installed, close }: { installed: Installed; close: () => void }) {
  const { appId, packageName } = installed
  const [name, setName] = useState('')
  const [state, setState] = useState<State>({})
  const run = () => {
    setState({ busy: true })
    uninstall(packageName, appId).then(
      ({ results }) => setState({ notes: results[0]?.postUninstallNotes ?? '' }),
      error => setState({ refusal: refusalOf(error) }),
    )
  }
  return (
    <Dialog title={`Uninstall ${packageName}`} close={close}>
      {state.notes !== undefined ? (
        <>
          <div className="note" role="status">
            <p>The catalog has uninstalled {appId}.</p>
            {state.notes && <p className="notes">{state.notes}</p>}
          </div>
          <div className="buttons">
            <button type="button" className="primary" onClick={close}>
              Close
            </button>
          </div>
        </>
      ) : (
        <form
          onSubmit={event => {
            event.preventDefault()
            if (name === appId && !state.busy) run()
          }}
        >
          <p>The app {appId} and all its instances are deleted. This can not be undone.</p>
          <label className="field">
            <span>
              Type <code>{appId}</code> to confirm
            </span>
            <input value={name} onChange={event => setName(event.target.value)} autoComplete="off" spellCheck={false} />
          </label>
          {state.refusal && <RefusalNote refusal={state.refusal} />}
          <div className="buttons">
            <button type="button" onClick={close}>
              Cancel
            </button>
            <button type="submit" className="danger" disabled={name !== appId || state.busy}>
              {state.busy ? 'Waiting for the cluster …' : 'Uninstall'}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  )
}
