import type { Vip } from '../../model/objects.ts'
import { useStore } from '../context.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { type Column, Table } from '../parts/table.tsx'

interface Row {
  readonly key: string
  readonly vip: Vip
}

const columns: readonly Column<Row>[] = [
  { name: 'Name', head: true, cell: ({ key, vip }) => <code>{vip.name ?? key}</code> },
  {
    name: 'Address',
    cell: ({ vip }) => (
      <code>
        {addressOf(vip.address ?? vip.listen?.address, vip.port)}
        {vip.protocol === 'udp' ? ' udp' : ''}
      </code>
    ),
  },
  {
    name: 'Listens at',
    cell: ({ vip }) => (vip.listen ? <code>{addressOf(vip.listen.address, vip.listen.port)}</code> : null),
  },
  {
    name: 'Backends',
    wide: true,
    cell: ({ vip }) => {
      if (vip.error) return <Status mark="bad">{vip.error}</Status>
      const backends = vip.backends ?? []
      if (backends.length === 0) return <Status mark="warn">no backend</Status>
      return backends.map(({ ip, port }) => (
        <code key={`${ip}:${port}`} className="chip">
          {addressOf(ip, port)}
        </code>
      ))
    },
  },
]

const addressOf = (address: string | undefined, port: number | undefined): string =>
  `${address?.includes(':') ? `[${address}]` : (address ?? '?')}:${port ?? '?'}`

/** Virtual IPs and what stands behind each. */
export function VirtualAddresses() {
  const rows = useStore('vip')
    .entries('vip')
    .map(([key, vip]) => ({ key, vip }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  if (rows.length === 0) return null
  return (
    <Section title="Virtual IPs" source="balancer">
      <Table label="Virtual IPs" rows={rows} columns={columns} keyOf={({ key }) => key} empty="None." />
    </Section>
  )
}
