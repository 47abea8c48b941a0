import { useState } from 'react'
import { markOfStatus, statusOrder } from '../../model/app-status.ts'
import { compileFilter, type Readable } from '../../model/filter.ts'
import { cores, memory } from '../../model/format.ts'
import { formatRoute } from '../../model/route.ts'
import { type Service, servicesOf } from '../../model/services.ts'
import { useQuery, useStore } from '../context.tsx'
import { Age } from '../parts/age.tsx'
import { ServiceLink } from '../parts/facts.tsx'
import { FilterBox } from '../parts/filter-box.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { NewAppDialog } from './definition-dialog.tsx'

const readable: Readable<Service> = {
  text: ({ id }) => id,
  words: {
    is: ({ status, kind, unhealthy, checked, labels }) => [
      status,
      kind,
      ...(checked ? [unhealthy > 0 ? 'unhealthy' : 'healthy'] : []),
      ...(labels.DCOS_PACKAGE_NAME ? ['catalog'] : []),
    ],
    status: ({ status }) => status,
    app: ({ id }) => id,
    label: ({ labels }) => Object.entries(labels).flatMap(([name, value]) => [name, `${name}=${value}`]),
    image: ({ image }) => image,
    reason: ({ reason }) => reason,
  },
  numbers: { cpus: ({ cpus }) => cpus, mem: ({ mem }) => mem, instances: ({ wanted }) => wanted },
}

const columns: readonly Column<Service>[] = [
  {
    name: 'Name',
    head: true,
    order: ({ id }) => id,
    cell: ({ id, kind, link }) => (
      <>
        <a href={formatRoute('apps', id)}>{id}</a>
        {kind === 'pod' && <span className="chip">pod</span>}
        {link && (
          <span className="row-link">
            <ServiceLink href={link}>open</ServiceLink>
          </span>
        )}
      </>
    ),
  },
  {
    name: 'Status',
    order: ({ status }) => statusOrder.indexOf(status),
    cell: ({ status }) => <Status mark={markOfStatus(status)}>{status}</Status>,
  },
  { name: 'Why', wide: true, cell: ({ reason }) => reason && <span className="reason">{reason}</span> },
  {
    name: 'Instances',
    align: 'end',
    order: ({ running }) => running,
    cell: ({ running, wanted }) => `${running}/${wanted}`,
  },
  { name: 'Health', cell: service => <Health service={service} /> },
  { name: 'CPU', align: 'end', order: ({ cpus }) => cpus, cell: ({ cpus }) => cores(cpus) },
  { name: 'Memory', align: 'end', order: ({ mem }) => mem, cell: ({ mem }) => memory(mem) },
  { name: 'Version', order: ({ changedAt }) => changedAt || 0, cell: ({ changedAt }) => <Age at={changedAt} /> },
]

export function Health({ service: { checked, healthy, unhealthy, running } }: { service: Service }) {
  if (!checked) return <span className="quiet">no check</span>
  if (unhealthy > 0) return <Status mark="bad">{unhealthy} unhealthy</Status>
  if (running === 0) return null
  return <Status mark={healthy >= running ? 'good' : 'busy'}>{healthy} healthy</Status>
}

/** All apps and pods, the worst first, each with the reason of its state in its row. */
export function Apps() {
  const services = servicesOf(useStore('app', 'pod', 'deployment', 'wait'))
  const [query, setQuery] = useQuery('q')
  const [asked, setAsked] = useQuery('new')
  const [open, setOpen] = useState(false)
  const filter = compileFilter(query, readable)
  const shown = services.filter(filter.matches)
  return (
    <Section title="Apps and pods" source="marathon" plain>
      <FilterBox
        value={query}
        change={setQuery}
        placeholder="name, is:waiting, label:team=web, cpus>2"
        shown={shown.length}
        total={services.length}
        problems={filter.problems}
        presets={[
          ['All', ''],
          ['Waiting', 'is:waiting'],
          ['Degraded', 'is:degraded'],
          ['Running', 'is:running'],
        ]}
      >
        <button type="button" className="primary" onClick={() => setOpen(true)}>
          New app
        </button>
      </FilterBox>
      <Table
        label="Apps and pods"
        rows={shown}
        columns={columns}
        keyOf={({ id }) => id}
        addressed
        empty={services.length === 0 ? <NoApps /> : 'No app matches the filter.'}
      />
      {(open || asked !== '') && (
        <NewAppDialog
          close={() => {
            setOpen(false)
            if (asked !== '') setAsked('')
          }}
        />
      )}
    </Section>
  )
}

function NoApps() {
  return (
    <>
      <p>Nothing runs yet.</p>
      <p>
        <a href="#/catalog">Install a package</a>, deploy an app with the button above, or from a shell:{' '}
        <code>meseta package install web-demo</code>
      </p>
    </>
  )
}
