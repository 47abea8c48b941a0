import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  type ClusterFile,
  readClusterFile,
  removeClusterFile,
  writeClusterFile,
} from '../../src/cluster/cluster-file.ts'
import { type Machine, slice } from '../../src/cluster/machine.ts'
import { owner, releaseWorkDir, takeWorkDir } from '../../src/cluster/owner.ts'
import { type ClusterShape, planCluster, portWishes } from '../../src/cluster/plan.ts'
import { choosePorts, type PortWish } from '../../src/cluster/ports.ts'
import { lives, startTime } from '../../src/cluster/process-identity.ts'
import { livingProcesses, writeProcesses } from '../../src/cluster/process-table.ts'

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-plan-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

const machine: Machine = { cpus: 4, mem: 7001, disk: 90_001 }
const shape = (more: Partial<ClusterShape> = {}): ClusterShape => ({
  clusterName: 'meseta',
  workDir: '/w',
  masters: 1,
  agents: 1,
  logLevel: 'info',
  machine,
  store: 'embedded:/w/store',
  bus: 'embedded:',
  ...more,
})

/** Reads the text form back: `cpus:4;mem:1;disk:1;ports:[1-2]`. */
function resourcesOf(text: string): { cpus: number; mem: number; disk: number; ports: [number, number] } {
  const found = /^cpus:([\d.]+);mem:(\d+);disk:(\d+);ports:\[(\d+)-(\d+)\]$/.exec(text)
  if (!found) throw new Error(text)
  const [cpus, mem, disk, from, to] = found.slice(1).map(Number) as [number, number, number, number, number]
  return { cpus, mem, disk, ports: [from, to] }
}

t.test('the slices of a machine give out what it has and no port twice', async t => {
  for (const count of [1, 2, 3, 7, 10, 100]) {
    const slices = Array.from({ length: count }, (_, index) => resourcesOf(slice(machine, index, count)))
    for (const name of ['cpus', 'mem', 'disk'] as const) {
      const sum = slices.reduce((total, one) => total + one[name], 0)
      t.ok(sum <= machine[name] + 1e-9, `${count} agents: no more ${name} than there is`)
      t.ok(sum > machine[name] - count, `${count} agents: hardly less ${name}`)
    }
    t.equal(slices[0]!.ports[0], 31_000)
    t.equal(slices.at(-1)!.ports[1], 32_000)
    for (const [index, one] of slices.slice(1).entries()) t.equal(one.ports[0], slices[index]!.ports[1] + 1)
  }
})

t.test('the plan names every component once, with addresses of its own and each other', async t => {
  const wishes = portWishes({ masters: 3, agents: 2 })
  t.equal(new Set(wishes.map(({ name }) => name)).size, wishes.length)
  const ports = Object.fromEntries(wishes.map(({ name }, index) => [name, 10_000 + index]))
  const plan = planCluster(
    shape({ masters: 3, agents: 2, store: 'zk://127.0.0.1:2181', bus: 'nats://127.0.0.1:4222' }),
    ports,
  )
  t.same(
    plan.map(({ name }) => name),
    ['master-1', 'master-2', 'master-3', 'agent-1', 'agent-2', 'balancer', 'dns', 'marathon', 'universe', 'gateway'],
  )
  const flagsOf = (name: string) => plan.find(one => one.name === name)!.flags
  const masters = [1, 2, 3].map(i => `http://127.0.0.${i}:${ports[`master-${i}`]}`).join(',')
  t.ok(flagsOf('marathon').includes(`--master=${masters}`))
  t.ok(flagsOf('agent-2').includes('--ip=127.0.0.2'))
  t.ok(flagsOf('agent-2').includes('--hostname=127.0.0.2'))
  t.ok(flagsOf('gateway').includes(`--dns=http://127.0.0.1:${ports['dns-http']}`))
  t.ok(flagsOf('dns').includes(`--dns-port=${ports.dns}`))
  t.ok(flagsOf('master-1').includes('--store=zk://127.0.0.1:2181/mesos'))
  t.ok(flagsOf('marathon').includes('--store=zk://127.0.0.1:2181/meseta'))
  const dirs = plan.map(({ flags }) => flags.find(flag => flag.startsWith('--work-dir=')))
  t.equal(new Set(dirs).size, plan.length, 'each has a folder of its own')
  t.same(
    planCluster(shape({ masters: 3, agents: 2, store: 'zk://127.0.0.1:2181', bus: 'nats://127.0.0.1:4222' }), ports),
    plan,
  )
  t.throws(() => planCluster(shape(), {}), /no port was chosen for/)
})

/** Takes a port of 127.0.0.1 for the time of a test. */
async function takenPort(t: Test, udp = false): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  if (!udp) {
    t.teardown(() => new Promise(done => server.close(done)))
    return port
  }
  await new Promise(done => server.close(done))
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return port
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(done => server.close(done))
  return port
}

t.test('ports: a taken first choice gives way to the second, and that is said', async t => {
  const folder = folderOf(t)
  const [taken, second] = [await takenPort(t), await freePort()]
  const said: string[] = []
  const wish: PortWish = { name: 'gateway', ip: '127.0.0.1', choices: [taken, second] }
  t.same(await choosePorts(folder, [wish], new Set(), text => said.push(text)), { gateway: second })
  t.same(said, [`gateway: port ${taken} is taken or needs root; using ${second}`])
})

t.test('ports: with every choice taken any free one is found, and a work-dir keeps it', async t => {
  const folder = folderOf(t)
  const taken = await takenPort(t)
  const wish: PortWish = { name: 'master', ip: '127.0.0.1', choices: [taken] }
  const first = await choosePorts(folder, [wish], new Set(), () => undefined)
  t.not(first.master, taken)
  const said: string[] = []
  t.same(await choosePorts(folder, [wish], new Set(), text => said.push(text)), first)
  t.same(said, [], 'nothing new, nothing said')
})

t.test('ports: the port of before gives way when somebody else has it', async t => {
  const folder = folderOf(t)
  const [old, choice] = [await takenPort(t), await freePort()]
  writeFileSync(join(folder, 'ports.json'), JSON.stringify({ master: old }))
  const said: string[] = []
  const wish: PortWish = { name: 'master', ip: '127.0.0.1', choices: [choice] }
  t.same(await choosePorts(folder, [wish], new Set(), text => said.push(text)), { master: choice })
  t.match(said, [new RegExp(`port ${old} of before is taken; using ${choice}`)])
})

t.test('ports: a port that UDP has taken is taken for a server of both', async t => {
  const taken = await takenPort(t, true)
  const wish: PortWish = { name: 'dns', ip: '127.0.0.1', choices: [taken] }
  const both = await choosePorts(folderOf(t), [{ ...wish, udp: true }], new Set(), () => undefined)
  t.not(both.dns, taken)
  const tcp = await choosePorts(folderOf(t), [wish], new Set(), () => undefined)
  t.equal(tcp.dns, taken)
})

t.test('ports: two wishes for the same port of one address do not share it', async t => {
  const port = await freePort()
  const wishes = ['a', 'b'].map(name => ({ name, ip: '127.0.0.1', choices: [port] }))
  const { a, b } = await choosePorts(folderOf(t), wishes, new Set(), () => undefined)
  t.equal(a, port)
  t.not(b, port)
  const apart = [0, 1].map(i => ({ name: `m${i}`, ip: `127.0.0.${i + 1}`, choices: [port] }))
  t.same(await choosePorts(folderOf(t), apart, new Set(), () => undefined), { m0: port, m1: port })
})

t.test('ports: what runs already keeps all of its ports, though they are taken', async t => {
  const folder = folderOf(t)
  const [http, udp] = [await takenPort(t), await takenPort(t, true)]
  writeFileSync(join(folder, 'ports.json'), JSON.stringify({ 'dns-http': http, dns: udp }))
  const wishes = portWishes({ masters: 0, agents: 0 }).filter(({ name }) => name.startsWith('dns'))
  t.equal(wishes.length, 2)
  t.same(await choosePorts(folder, wishes, new Set(['dns']), () => t.fail('nothing is to be said')), {
    'dns-http': http,
    dns: udp,
  })
})

t.test('ports: of a damaged file only what is a port counts', async t => {
  const folder = folderOf(t)
  const choice = await freePort()
  for (const text of ['null', '[', '{"a":"x"}', '{"a":70000}', '{"a":-1}', '{"a":1.5}', '7']) {
    writeFileSync(join(folder, 'ports.json'), text)
    const chosen = await choosePorts(
      folder,
      [{ name: 'a', ip: '127.0.0.1', choices: [choice] }],
      new Set(),
      () => undefined,
    )
    t.same(chosen, { a: choice }, text)
  }
})

const clusterFile: ClusterFile = {
  router: 'http://127.0.0.1:8000',
  master: 'http://127.0.0.1:5050',
  marathon: 'http://127.0.0.1:8080',
  universe: 'http://127.0.0.1:7070',
  masters: ['http://127.0.0.1:5050'],
  agents: ['http://127.0.0.1:5051'],
  dns: { address: '127.0.0.1', port: 61_053 },
  pids: [1],
  processes: [{ component: 'up', name: 'up', pid: 1, url: 'http://127.0.0.1:8000' }],
}

t.test('the cluster file is replaced in one step', async t => {
  const folder = folderOf(t)
  t.equal(readClusterFile(folder), undefined)
  writeClusterFile(folder, clusterFile)
  // Whoever opened the old one reads it to its end: it is another file.
  const before = readFileSync(join(folder, 'cluster.json'), 'utf8')
  for (let i = 0; i < 20; i += 1) {
    writeClusterFile(folder, { ...clusterFile, master: `http://127.0.0.${i + 1}:5050` })
    t.equal(readClusterFile(folder)?.master, `http://127.0.0.${i + 1}:5050`)
  }
  t.same(JSON.parse(before), clusterFile)
  t.same(readdirSync(folder), ['cluster.json'], 'no draft is left')
  removeClusterFile(folder)
  t.same(readdirSync(folder), [])
  removeClusterFile(folder)
})

t.test('a damaged cluster file is none', async t => {
  const folder = folderOf(t)
  for (const text of ['', '{', 'null', '[]', '{}', '{"router":1}', '{"router":"http://x"}']) {
    writeFileSync(join(folder, 'cluster.json'), text)
    t.equal(readClusterFile(folder), undefined, text)
  }
})

t.test('a process is its pid and the time of its start', async t => {
  const now = startTime(process.pid)
  t.match(now, /^\d+$/)
  t.ok(lives({ pid: process.pid, startTime: now! }))
  t.notOk(lives({ pid: process.pid, startTime: '1' }), 'another process that got the pid')
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40]) t.equal(startTime(pid), undefined, String(pid))
  const remembered: unknown[] = [{}, { pid: 2 ** 40 }, { pid: '../self' }, { pid: process.pid }]
  for (const one of remembered) t.notOk(lives(one as { pid: number; startTime: string }), JSON.stringify(one))
})

t.test('a work-dir has one owner, and one that is gone does not count', async t => {
  const folder = folderOf(t)
  t.equal(owner(folder), undefined)
  takeWorkDir(folder, 'embedded')
  t.match(owner(folder), { pid: process.pid, mode: 'embedded' })
  takeWorkDir(folder, 'processes')
  releaseWorkDir(folder)
  t.equal(owner(folder), undefined)

  const file = join(folder, 'up.json')
  writeFileSync(file, JSON.stringify({ pid: process.ppid, startTime: startTime(process.ppid), mode: 'embedded' }))
  t.throws(() => takeWorkDir(folder, 'embedded'), { exit: 'conflict', message: /already runs in/ })
  writeFileSync(file, JSON.stringify({ pid: process.ppid, startTime: '12', mode: 'embedded' }))
  t.equal(owner(folder), undefined, 'its pid belongs to another process now')
  for (const text of ['', '{}', 'null', '{"pid":"x"}', '{"pid":-1}']) {
    writeFileSync(file, text)
    t.equal(owner(folder), undefined, text)
  }
  takeWorkDir(folder, 'embedded')
  t.match(owner(folder), { pid: process.pid })
  t.same(readdirSync(folder), ['up.json'], 'no draft is left')
})

t.test('of the processes that were remembered those count that still run', async t => {
  const folder = folderOf(t)
  const one = { component: 'master' as const, name: 'master-1', url: 'http://127.0.0.1:1' }
  const self = { ...one, pid: process.pid, startTime: startTime(process.pid)! }
  writeProcesses(folder, [self, { ...one, name: 'reused', pid: process.pid, startTime: '3' }])
  t.same(livingProcesses(folder), [self])
  for (const text of ['', '{}', 'null', '[{}]', '[null]', '[{"pid":1}]']) {
    writeFileSync(join(folder, 'processes.json'), text)
    t.same(livingProcesses(folder), [], text)
  }
})
