import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { measureMachine } from '../../src/cluster/machine.ts'
import { type ClusterShape, portWishes } from '../../src/cluster/plan.ts'
import { choosePorts } from '../../src/cluster/ports.ts'
import type { RunningCluster, Say } from '../../src/cluster/running.ts'
import { upEmbedded } from '../../src/cluster/up-embedded.ts'

t.setTimeout(90_000)

/** Resolves when the ports of a work-dir have been chosen, which is before anybody listens on them. */
async function portsChosen(workDir: string): Promise<void> {
  for await (const { filename } of watch(workDir)) if (filename === 'ports.json') return
}

const wishes = portWishes({ masters: 1, agents: 1 })

/** A place for clusters that all want the same ports, which nobody else on this machine has. */
async function scene(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-race-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const ports = await choosePorts(
    folder,
    wishes.map(wish => ({ ...wish, choices: [] })),
    new Set(),
    () => undefined,
  )
  const shape = (workDir: string): ClusterShape => ({
    clusterName: 'race',
    workDir,
    masters: 1,
    agents: 1,
    logLevel: 'error',
    machine: measureMachine(folder),
    store: `embedded:${join(workDir, 'store')}`,
    bus: 'embedded:',
  })
  const workDir = (name: string): string => {
    const path = join(folder, name)
    mkdirSync(path)
    writeFileSync(join(path, 'ports.json'), JSON.stringify(ports))
    return path
  }
  const up = async (path: string, say: Say): Promise<RunningCluster> => {
    const cluster = await upEmbedded(shape(path), say)
    t.teardown(() => cluster.end({ keepTasks: false, timeout: 10_000 }))
    return cluster
  }
  return { ports, workDir, up }
}

t.test('clusters that want the same ports at the same moment all come up, each with ports of its own', async t => {
  const { ports, workDir, up } = await scene(t)
  const said: string[] = []
  const say = (sentence: string) => said.push(sentence)
  const [a, b, c] = ['a', 'b', 'c'].map(workDir) as [string, string, string]
  const clusters = await Promise.all([
    up(a, say),
    portsChosen(a).then(() => up(b, say)),
    portsChosen(b).then(() => up(c, say)),
  ])
  const members = clusters.map(({ file }) => file.processes.filter(({ component }) => component !== 'up'))
  const places = members.flat().map(({ url }) => url)
  t.equal(new Set([...places, ...clusters.map(({ file }) => `dns ${file.dns.port}`)]).size, 3 * 8)
  t.match(said[0], new RegExp(`^master-1: port ${ports['master-1']} of before is taken; using \\d+$`))
})

// The master listens before a thief could be quicker; the clusters above take its port from each other.
for (const { name, ip } of wishes.filter(({ name }) => name !== 'master-1'))
  t.test(`a port of ${name} that is taken after it was chosen is given up, and whoever asks there is told`, async t => {
    const { ports, workDir, up } = await scene(t)
    const thief = createServer(socket => socket.destroy())
    t.teardown(() => new Promise(done => thief.close(done)))
    const said: string[] = []
    const folder = workDir('a')
    // That the cluster is ready shows that its components find each other.
    const [{ file }] = await Promise.all([
      up(folder, sentence => said.push(sentence)),
      portsChosen(folder).then(() => thief.listen(ports[name], ip)),
    ])
    const now = JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8')) as Record<string, number>
    t.same(said, [`${name}: port ${ports[name]} of before is taken; using ${now[name]}`])
    t.same({ ...now, [name]: 0 }, { ...ports, [name]: 0 }, 'the others keep theirs')
    t.match([...file.processes.map(({ url }) => url), file.dns.port].join(' '), String(now[name]))
  })
