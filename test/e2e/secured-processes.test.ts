import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NatsServer, natsServerMissing, startNatsServer } from '@meseta/common/messaging/nats-server'
import { systemClock } from '@meseta/common/service/clock'
import { authorizationHeaders } from '@meseta/common/service/own-credential'
import { nkeys } from 'nats'
import t from 'tap'
import { freePorts } from '../src/support/ports.ts'
import { until } from '../src/support/until.ts'

const launcher = fileURLToPath(new URL('../../scripts/meseta.mjs', import.meta.url))

/** One component in a process of its own, and where it listens. */
async function component(name: string, ...flags: string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(
    process.execPath,
    ['--conditions=meseta-source', launcher, 'run', name, '--port=0', '--log_level=error', ...flags],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  for await (const line of createInterface({ input: child.stdout! })) {
    const { event, url } = JSON.parse(line) as { event: string; url: string }
    if (event === 'listening') return { child, url }
  }
  throw new Error(`${name} ended before it listened`)
}

t.test(
  'master and agent as processes prove who they are to each other, and no secret is seen from outside',
  { skip: natsServerMissing() ?? false },
  async t => {
    const [ofMaster, ofAgent] = [nkeys.createUser(), nkeys.createUser()]
    const [master, agent] = [ofMaster.getPublicKey(), ofAgent.getPublicKey()]
    const folder = t.testdir({
      nats: {},
      store: {},
      'master.nkey': ofMaster.getSeed(),
      'agent.nkey': ofAgent.getSeed(),
      credentials: 'ops hush-hush\n',
      agent: {},
    })
    const file = (name: string) => join(folder, name)
    const running: ChildProcess[] = []
    let server: NatsServer | undefined
    t.teardown(async () => {
      for (const child of running) {
        const closed = once(child, 'close')
        child.kill('SIGKILL')
        await closed
      }
      await server?.process.stop()
    })
    const [port] = await freePorts(1)
    // As docs/security.md has it.
    const config = `authorization { users: [
    { nkey: ${master}, permissions: { publish: ["a.meseta.>", "l.meseta", "m.meseta.*._echo"], subscribe: ["m.meseta.>", "l.meseta"] } }
    { nkey: ${agent}, permissions: { publish: ["m.meseta.*.${agent}.*"], subscribe: ["l.meseta", "a.meseta.${agent}.*"] } }
  ] }`
    server = await startNatsServer({ clock: systemClock, folder: file('nats'), port: port!, config })
    const bus = `--bus=nats://127.0.0.1:${port}`
    const begun = async (name: string, ...flags: string[]) => {
      const { child, url } = await component(name, bus, ...flags)
      running.push(child)
      return { pid: child.pid!, url }
    }
    const leader = await begun(
      'master',
      `--bus_credentials=${file('master.nkey')}`,
      `--store=embedded:${file('store')}`,
      '--authenticate_agents',
      '--authenticate_http_readonly',
      `--credentials=${file('credentials')}`,
    )
    const one = await begun(
      'agent',
      `--bus_credentials=${file('agent.nkey')}`,
      `--work_dir=${file('agent')}`,
      '--resources=cpus:1;mem:64',
    )
    const headers = authorizationHeaders({ principal: 'ops', secret: 'hush-hush' })
    const slaves = await until('the agent to register', async () => {
      const answer = await fetch(`${leader.url}/slaves`, { headers })
      const { slaves } = (await answer.json()) as { slaves: unknown[] }
      return slaves.length === 1 && slaves
    })
    t.match(slaves, [{ active: true, resources: { cpus: 1, mem: 64 } }])
    const secrets = [ofMaster.getSeed(), ofAgent.getSeed()].map(seed => Buffer.from(seed).toString())
    for (const { pid } of [leader, one]) {
      const seen = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      t.match(seen, /bus_credentials/)
      for (const secret of [...secrets, 'hush-hush']) t.notOk(seen.includes(secret), 'the command line')
    }
    const shown = await (await fetch(`${leader.url}/flags`, { headers })).text()
    for (const secret of [...secrets, 'hush-hush']) t.notOk(shown.includes(secret), '/flags')
  },
)
