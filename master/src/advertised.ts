import { reverse } from 'node:dns/promises'
import { isLoopback } from '@meseta/common/service/door'
import type { MasterFlags } from './flags.ts'

/** By what others are told to reach this master: from elsewhere its own address may look otherwise. */
export interface Advertised {
  readonly hostname: string
  readonly ip: string
  /** The one that it listens on unless said. */
  readonly port: number | undefined
}

type Lookup = (ip: string) => Promise<readonly string[]>

/**
 * From `--advertise_ip`, `--advertise_port`, `--hostname` and `--hostname_lookup`. A name is looked up for an address that others
 * could reach; where none is found the address stands for it. Throws where others would be told an address that is every machine's own.
 */
export async function advertisedBy(flags: MasterFlags, lookUp: Lookup = reverse): Promise<Advertised> {
  const ip = flags.advertise_ip ?? flags.ip
  if (ip === '0.0.0.0' || ip === '::')
    throw new Error(`--ip=${ip} needs --advertise-ip: the address by which others reach this master`)
  const isToFind = flags.hostname === undefined && flags.hostname_lookup && !isLoopback(ip)
  const found = isToFind ? await lookUp(ip).catch(() => []) : []
  return { hostname: flags.hostname ?? found[0] ?? ip, ip, port: flags.advertise_port }
}
