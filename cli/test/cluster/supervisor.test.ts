import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ComponentName } from '../../src/cluster/cluster-file.ts'
import { listensOn } from '../../src/cluster/listening.ts'
import { lives, startTime } from '../../src/cluster/process-identity.ts'
import { endProcess, livingProcesses } from '../../src/cluster/process-table.ts'
import { type Member, Supervisor } from '../../src/cluster/supervisor.ts'

/** A work-dir, and members that do nothing but live; whatever they are still left with at the end of the test is killed. */
function scene(t: Test) {
  const workDir = mkdtempSync(join(tmpdir(), 'meseta-supervisor-'))
  const started: { pid: number; startTime: string }[] = []
  const said: string[] = []
  t.teardown(() => {
    for (const one of started) if (lives(one)) process.kill(one.pid, 'SIGKILL')
    rmSync(workDir, { recursive: true })
  })
  const sleeper = async (seconds = 300): Promise<number> => {
    const child = spawn('sleep', [String(seconds)], { detached: true, stdio: 'ignore' })
    await once(child, 'spawn')
    child.unref()
    started.push({ pid: child.pid!, startTime: startTime(child.pid!)! })
    return child.pid!
  }
  const member = (name: string, component: ComponentName = 'agent', more: Partial<Member> = {}): Member => ({
    component,
    name,
    url: `http://127.0.0.1:1/${name}`,
    spawn: () => sleeper(),
    places: '',
    serves: async () => true,
    lostPort: async () => false,
    ...more,
  })
  const supervisor = () => new Supervisor(workDir, text => said.push(text))
  return { workDir, said, started, sleeper, member, supervisor }
}

const pidOf = (supervisor: Supervisor, name: string) => supervisor.processes.find(one => one.name === name)?.pid
const restarted = (supervisor: Supervisor) =>
  new Promise<void>(resolve => {
    supervisor.onRestart = resolve
  })

t.test('what is killed is started again, and the list on disk follows', async t => {
  const { workDir, member, supervisor, said } = scene(t)
  const keeper = supervisor()
  await Promise.all([keeper.keep(member('agent-1')), keeper.keep(member('agent-2'))])
  const [first, other] = [pidOf(keeper, 'agent-1')!, pidOf(keeper, 'agent-2')!]
  for (let round = 0; round < 2; round += 1) {
    const again = restarted(keeper)
    process.kill(pidOf(keeper, 'agent-1')!, 'SIGKILL')
    await again
  }
  t.not(pidOf(keeper, 'agent-1'), first)
  t.equal(pidOf(keeper, 'agent-2'), other, 'the other one is not touched')
  t.same(
    livingProcesses(workDir).map(({ name, pid }) => [name, pid]),
    ['agent-1', 'agent-2'].map(name => [name, pidOf(keeper, name)]),
  )
  t.same(said, Array(2).fill('agent-1 has ended; starting it again'))
  keeper.stopKeeping()
  await keeper.end(() => true)
  t.same(livingProcesses(workDir), [])
})

t.test('the next supervisor adopts what runs, and keeps it', async t => {
  const { member, supervisor, said, started } = scene(t)
  const first = supervisor()
  await first.keep(member('agent-1'))
  const pid = pidOf(first, 'agent-1')!
  // As if it had been killed: it does nothing any more, and ends nothing.
  first.stopKeeping()

  const second = supervisor()
  t.same([...second.running], ['agent-1'])
  await second.keep(member('agent-1', 'agent', { spawn: () => Promise.reject(new Error('not to be started')) }))
  t.equal(pidOf(second, 'agent-1'), pid, 'the very same process')
  t.same(said, [`agent-1 runs already (process ${pid})`])
  t.equal(started.length, 1)
  second.stopKeeping()
  await second.end(() => true)

  const third = supervisor()
  await third.keep(member('agent-1'))
  third.stopKeeping()
  const fourth = supervisor()
  await fourth.keep(member('agent-1'))
  const again = restarted(fourth)
  process.kill(pidOf(fourth, 'agent-1')!, 'SIGKILL')
  await again
  t.not(pidOf(fourth, 'agent-1'), pidOf(third, 'agent-1'), 'an adopted process is started again, too')
  fourth.stopKeeping()
  await fourth.end(() => true)
})

t.test('processes end by component, in the order that is asked for, and nothing is left', async t => {
  const { workDir, member, supervisor, started } = scene(t)
  const keeper = supervisor()
  const names = { zookeeper: 'zookeeper', 'master-1': 'master', 'agent-1': 'agent', marathon: 'marathon' } as const
  for (const [name, component] of Object.entries(names)) await keeper.keep(member(name, component))
  keeper.stopKeeping()
  await keeper.end(component => component === 'marathon')
  t.same(
    livingProcesses(workDir).map(({ name }) => name),
    ['zookeeper', 'master-1', 'agent-1'],
  )
  await keeper.end(component => component !== 'zookeeper')
  t.same(
    livingProcesses(workDir).map(({ name }) => name),
    ['zookeeper'],
  )
  await keeper.end(() => true)
  t.same(livingProcesses(workDir), [])
  t.notOk(started.some(lives))
})

t.test('a start that is under way when the cluster ends is ended with it', async t => {
  const { member, supervisor, sleeper, started } = scene(t)
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  let starts = 0
  const keeper = supervisor()
  await keeper.keep(
    member('agent-1', 'agent', {
      async spawn() {
        starts += 1
        if (starts > 1) {
          begun.resolve()
          await gate.promise
        }
        return sleeper()
      },
    }),
  )
  process.kill(pidOf(keeper, 'agent-1')!, 'SIGKILL')
  await begun.promise
  keeper.stopKeeping()
  const ended = keeper.end(() => true)
  gate.resolve()
  await ended
  t.equal(started.length, 2)
  t.notOk(started.some(lives))
})

t.test('a start that fails is tried again', async t => {
  const { member, supervisor, sleeper, said } = scene(t)
  let starts = 0
  const keeper = supervisor()
  await keeper.keep(
    member('agent-1', 'agent', {
      spawn() {
        starts += 1
        return starts === 2 ? Promise.reject(new Error('no memory')) : sleeper()
      },
    }),
  )
  const again = restarted(keeper)
  process.kill(pidOf(keeper, 'agent-1')!, 'SIGKILL')
  await again
  t.equal(starts, 3)
  t.ok(said.includes('agent-1 could not be started: no memory'))
  keeper.stopKeeping()
  await keeper.end(() => true)
})

t.test('a member that ends before it serves is an error that names its log', async t => {
  const { workDir, member, supervisor, sleeper } = scene(t)
  const keeper = supervisor()
  await t.rejects(keeper.keep(member('agent-1', 'agent', { spawn: () => sleeper(0), serves: async () => false })), {
    message: `agent-1 ended before it was ready; its log is ${workDir}/log/agent-1.log`,
  })
})

t.test('who has lost its port is started on another one, those who speak to it anew, and no one else', async t => {
  const { member, supervisor, sleeper, said, started } = scene(t)
  const keeper = supervisor()
  const on = (port: number) => [
    member('agent-1'),
    member('marathon', 'marathon', {
      places: `marathon:${port}`,
      spawn: () => sleeper(port === 1 ? 0 : 300),
      serves: async () => port !== 1,
      lostPort: async () => port === 1,
    }),
    member('balancer', 'balancer', { places: `--marathon=${port}` }),
  ]
  await t.rejects(keeper.keepAll(on(1)), { name: 'PortLostError', message: /^marathon has lost its port/ })
  t.same([...keeper.running].sort(), ['agent-1', 'balancer'], 'the others have settled')
  const [agent, balancer] = [pidOf(keeper, 'agent-1'), pidOf(keeper, 'balancer')!]
  await keeper.keepAll(on(2))
  t.same([...keeper.running].sort(), ['agent-1', 'balancer', 'marathon'])
  t.equal(pidOf(keeper, 'agent-1'), agent)
  t.not(pidOf(keeper, 'balancer'), balancer)
  t.equal(startTime(balancer), undefined, 'it was ended')
  t.equal(started.length, 5)
  const moved = 'balancer runs with addresses that have moved; starting it anew'
  t.same(said, [moved], 'nothing of this is taken for a death')
  const again = restarted(keeper)
  process.kill(pidOf(keeper, 'balancer')!, 'SIGKILL')
  await again
  t.same(said.slice(1), ['balancer has ended; starting it again'])
  keeper.stopKeeping()

  const next = supervisor()
  await next.keepAll(on(3))
  t.same(said.slice(2), [
    `agent-1 runs already (process ${agent})`,
    'marathon runs with addresses that have moved; starting it anew',
    moved,
  ])
  next.stopKeeping()
  await next.end(() => true)
})

t.test('a port belongs to the process that listens on it', async t => {
  const own = createServer().listen(0, '127.0.0.1')
  t.teardown(() => own.close())
  await once(own, 'listening')
  const { port } = own.address() as AddressInfo
  t.ok(listensOn(process.pid, port))
  t.notOk(listensOn(process.ppid, port), 'not to its parent')
  t.notOk(listensOn(2 ** 30, port), 'not to a process that does not exist')
  await new Promise(done => own.close(done))
  t.notOk(listensOn(process.pid, port), 'and to nobody when it is closed')
})

t.test('what does not end when asked is killed, and a pid of somebody else is left alone', async t => {
  const stubborn = spawn(
    process.execPath,
    ['-e', 'process.on("SIGTERM",()=>{});setInterval(()=>{},1e3);console.log(1)'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  t.teardown(() => stubborn.kill('SIGKILL'))
  await once(stubborn.stdout!, 'data')
  const known = {
    component: 'agent' as const,
    name: 'a',
    url: '',
    pid: stubborn.pid!,
    startTime: startTime(stubborn.pid!)!,
  }
  await endProcess({ ...known, startTime: '1' }, 50)
  t.ok(lives(known), 'the pid is another process now')
  await endProcess(known, 50)
  t.notOk(lives(known))
  t.equal(stubborn.signalCode ?? (await once(stubborn, 'exit'))[1], 'SIGKILL')
})
