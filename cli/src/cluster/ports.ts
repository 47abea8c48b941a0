import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'

/** A port a component wants: the contract's own first, then a fixed second choice where there is one. */
export interface PortWish {
  readonly name: string
  readonly ip: string
  readonly choices: readonly number[]
  /** The member that listens there, where it is called otherwise. */
  readonly member?: string
  /** Wanted for UDP too. */
  readonly udp?: boolean
}

export type Ports = Readonly<Record<string, number>>

async function freeTcp(ip: string, port: number): Promise<number | undefined> {
  const server = createServer()
  server.listen({ host: ip, port, exclusive: true })
  try {
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  } catch {
    return undefined
  } finally {
    await new Promise(done => server.close(done))
  }
}

async function freeUdp(ip: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.bind({ address: ip, port, exclusive: true })
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}

/** Whether nobody has the port now. */
export const isFree = async (wish: Pick<PortWish, 'ip' | 'udp'>, port: number): Promise<boolean> =>
  (await freePort(wish, port)) !== undefined

/** The port if it is free; of 0 any that is. */
async function freePort(wish: Pick<PortWish, 'ip' | 'udp'>, port: number): Promise<number | undefined> {
  const tcp = await freeTcp(wish.ip, port)
  if (tcp === undefined) return undefined
  if (wish.udp && !(await freeUdp(wish.ip, tcp))) return undefined
  return tcp
}

/**
 * Settles each wish: the port this work-dir used before, else the first free choice, else any free port.
 * What is not a first choice is said aloud. `running` names members that run already: they keep their ports.
 */
export async function choosePorts(
  workDir: string,
  wishes: readonly PortWish[],
  running: ReadonlySet<string>,
  say: (sentence: string) => void,
): Promise<Ports> {
  const file = join(workDir, 'ports.json')
  const before = chosenBefore(file)
  const chosen: Record<string, number> = { ...before }
  const taken = new Set<string>()
  for (const wish of wishes) {
    const old = before[wish.name]
    if (old !== undefined && running.has(wish.member ?? wish.name)) {
      taken.add(`${wish.ip}:${old}`)
      continue
    }
    const port = await settle(wish, old, taken)
    taken.add(`${wish.ip}:${port}`)
    chosen[wish.name] = port
    const first = wish.choices[0]
    if (old !== undefined && port !== old) say(`${wish.name}: port ${old} of before is taken; using ${port}`)
    else if (old === undefined && port !== first)
      say(`${wish.name}: port ${first} is taken or needs root; using ${port}`)
  }
  mkdirSync(workDir, { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, `${JSON.stringify(chosen, null, 2)}\n`)
  renameSync(`${file}.new`, file)
  return chosen
}

/** How often ports are chosen at most: clusters that start in step with another lose one port after the other to it. */
const choices = 20

/**
 * Starts what listens on the chosen ports. Only listening takes a port: when `isLost` says of an error that somebody else was
 * quicker, ports are chosen again, and `start` is called again for what does not run yet.
 */
export async function startOnPorts(
  choose: () => Promise<Ports>,
  start: (ports: Ports) => Promise<void>,
  isLost: (error: unknown) => boolean,
): Promise<Ports> {
  for (let choice = 1; ; choice += 1) {
    const ports = await choose()
    try {
      await start(ports)
      return ports
    } catch (error) {
      if (choice === choices || !isLost(error)) throw error
    }
  }
}

/** None at a first start; of a damaged file what is a port. */
function chosenBefore(file: string): Ports {
  try {
    const found = Object.entries(JSON.parse(readFileSync(file, 'utf8')) as object)
    return Object.fromEntries(found.filter(([, port]) => Number.isInteger(port) && port > 0 && port < 65_536))
  } catch {
    return {}
  }
}

async function settle(wish: PortWish, old: number | undefined, taken: ReadonlySet<string>): Promise<number> {
  const choices = old === undefined ? wish.choices : [old, ...wish.choices]
  for (const choice of choices) {
    if (taken.has(`${wish.ip}:${choice}`)) continue
    if (await isFree(wish, choice)) return choice
  }
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = await freePort(wish, 0)
    if (port !== undefined && !taken.has(`${wish.ip}:${port}`)) return port
  }
  throw new Error(`no free port for ${wish.name} on ${wish.ip}`)
}
