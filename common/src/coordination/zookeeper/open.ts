import type { Coordination, CoordinationOptions } from '../open.ts'
import type { ZookeeperAddress } from './address.ts'
import { loadClient } from './client.ts'
import { ZookeeperElection } from './election.ts'
import { makeFolders } from './records.ts'
import { ZookeeperSession } from './session.ts'
import { ZookeeperStore } from './store.ts'

/** Opens a session, waits for it as long as it takes, and makes its root folder when there is none. Throws ZookeeperMissingError. */
export async function openZookeeper(address: ZookeeperAddress, options: CoordinationOptions): Promise<Coordination> {
  const { clock, log, random, operationTimeout = 20_000, sessionTimeout = 10_000 } = options
  const ClientClass = await loadClient()
  const client = new ClientClass({})
  const session = new ZookeeperSession(client, address, { clock, log, operationTimeout, sessionTimeout })
  client.init({
    connect: address.servers,
    timeout: sessionTimeout,
    debug_level: 0,
    host_order_deterministic: false,
    // The binding gives a session up after so many wake-ups without an answer: never.
    response_counter_limit: 2 ** 30,
  })
  const secured = address.auth !== undefined
  try {
    await session.connected()
    if (secured)
      await session.request<[]>('/', session.deadline(), (own, done) => own.add_auth('digest', address.auth!, done))
    await makeFolders(session, `${address.root}/any`, secured, session.deadline())
  } catch (error) {
    session.close()
    throw error
  }
  const store = new ZookeeperStore(session, random.bytes(16), secured)
  const election = new ZookeeperElection(session, secured)
  return { store, election, close: async () => session.close() }
}
