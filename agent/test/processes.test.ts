import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { systemClock } from '@meseta/common/service/clock'
import t from 'tap'
import { viewContainers } from '../src/api/containers.ts'
import { killMembers } from '../src/containers/kill-tree.ts'
import { type ProcessStat, readAllStats, readStat } from '../src/containers/proc.ts'
import { ProcessTable } from '../src/containers/process-table.ts'
import { registeredHost } from './harness.ts'

t.test('what all containers use is told by one look at the processes', async test => {
  const { master, host } = await registeredHost(test)
  const ids = ['one', 'two', 'three', 'four', 'five']
  for (const id of ids) master.run(id, 'sleep 1000')
  for (const id of ids) await master.status(id, 'TASK_RUNNING')
  const views = await viewContainers(host, {}, false)
  test.equal(views.length, ids.length)
  test.ok(views.every(({ statistics }) => (statistics?.processes ?? 0) >= 1))
  test.equal(new Set(views.map(({ statistics }) => statistics?.timestamp)).size, 1)
})

t.test('containers that are killed together are looked for together', async test => {
  let looks = 0
  const table = new ProcessTable(systemClock, () => {
    looks++
    return readAllStats()
  })
  // Nothing has such a number: kernels count to 4,194,304 at most.
  const trees = Array.from({ length: 200 }, (_, index) => ({
    table,
    supervisor: { pid: 5_000_000 + index, startTime: 1 },
    mark: `none-${index}`,
  }))
  await Promise.all(trees.map(tree => killMembers(systemClock, tree)))
  test.equal(looks, 1)
})

t.test('a look is never older than the question', async test => {
  const found: ProcessStat[][] = []
  const table = new ProcessTable(systemClock, () => found.at(-1) ?? [])
  const self = readStat(process.pid)!
  const supervisor = { pid: self.session, startTime: 1 }
  found.push([self])
  const before = table.look()
  test.equal((await before).membersOf(supervisor).length, 1)
  found.push([])
  test.strictSame((await table.look()).membersOf(supervisor), [])
})

/** Runs a script in a process that may open few files, and answers what it says. */
async function withFewFiles(script: string): Promise<string> {
  const node = `exec ${process.execPath} --conditions=meseta-source --input-type=module -e "$0"`
  const child = spawn('sh', ['-c', `ulimit -n 40; ${node}`, script], { stdio: ['ignore', 'pipe', 'inherit'] })
  return text(child.stdout)
}
const source = (name: string) => JSON.stringify(new URL(`../src/containers/${name}`, import.meta.url).href)
/** Opens files until no more may be, and gives them free when that is called. */
const openAll = `
const open = []
try { for (;;) open.push(openSync('/dev/null')) } catch {}
const free = () => open.splice(0).forEach(closeSync)`

t.test('an agent that may open no more files takes no process for dead', async test => {
  const said = await withFewFiles(`
import { closeSync, openSync } from 'node:fs'
import { systemClock } from '@meseta/common/service/clock'
import { readStat } from ${source('proc.ts')}
import { ProcessTable } from ${source('process-table.ts')}
import { watchExit } from ${source('watch-exit.ts')}
const self = readStat(process.pid)
let look
const clock = { ...systemClock, every: (_, action) => { look = action; return { cancel() {} } } }
const watching = watchExit(clock, '/nowhere', self, () => undefined)
watching.ended.then(exit => console.log('ended', exit))
const table = new ProcessTable(systemClock)
${openAll}
look()
const looking = table.look()
setTimeout(free, 20)
console.log('runs', (await looking).runs(self))`)
  test.equal(said, 'runs true\n')
})
