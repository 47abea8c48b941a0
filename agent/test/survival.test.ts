import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { AgentToMaster, TaskStatus } from '@meseta/common/protocol/mesos'
import t, { type Test } from 'tap'
import { isAlive, readAllStats, readStat } from '../src/containers/proc.ts'
import { tempFolder, until } from './harness.ts'

const rootless = process.getuid?.() !== 0 && 'all other tests here run without root already'

const script = fileURLToPath(new URL('agent-process.ts', import.meta.url))

interface Life {
  readonly child: ChildProcess
  readonly heard: (AgentToMaster & { url?: string })[]
  readonly errors: string[]
  statuses(id: string): TaskStatus[]
  status(id: string, state: string): Promise<TaskStatus>
  url(): Promise<string>
  /** SIGKILL to the agent and to its whole process group. */
  kill(): Promise<void>
}

function live(test: Test, folder: string, epoch: number, tasks: object = {}, options: object = {}, uid?: number): Life {
  const heard: Life['heard'] = []
  const errors: string[] = []
  const child = spawn(
    process.execPath,
    ['--conditions=meseta-source', script, folder, `${epoch}`, JSON.stringify(tasks), JSON.stringify(options)],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...(uid === undefined ? {} : { uid, gid: uid }) },
  )
  createInterface({ input: child.stdout! }).on('line', line => heard.push(JSON.parse(line)))
  createInterface({ input: child.stderr! }).on('line', line => errors.push(line))
  const statuses = (id: string) =>
    heard
      .map(message => message.status_update?.status)
      .filter(status => status !== undefined && status.task_id.value === id) as TaskStatus[]
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await gone
  }
  test.teardown(async () => {
    const url = heard.find(message => message.url)?.url
    if (child.exitCode === null && child.signalCode === null && url !== undefined)
      await fetch(`${url}/meseta/v1/stop-tasks`, { method: 'POST' }).catch(() => {})
    await kill()
  })
  return {
    child,
    heard,
    errors,
    statuses,
    status: (id, state) =>
      until(`${state} of ${id}; errors: ${errors.join('\n')}`, () =>
        statuses(id).find(status => status.state === state),
      ),
    url: () => until(`the url; errors: ${errors.join('\n')}`, () => heard.find(message => message.url)?.url),
    kill,
  }
}

const pidOf = (status: TaskStatus) => status.container_status?.executor_pid ?? 0
const runs = (pid: number) => isAlive(readStat(pid))

t.test(
  'tasks outlive the kill of the agent and its process group, and are taken over as the same processes',
  async test => {
    const folder = await tempFolder(test)
    const first = live(test, folder, 1, {
      long: 'echo one; sleep 1000',
      short: 'until [ -f go ]; do sleep 0.05; done; exit 4',
    })
    const long = pidOf(await first.status('long', 'TASK_RUNNING'))
    const short = pidOf(await first.status('short', 'TASK_RUNNING'))
    await until('acknowledgements', () => first.statuses('long').length >= 2)
    const startTime = readStat(long)?.startTime
    await first.kill()
    test.ok(runs(long) && runs(short), 'both run on without an agent')
    await writeFile(join(folder, 'slaves/agent-1/frameworks/fw-1/executors/short/runs/latest/go'), '')
    await until('the end of the short one', () => !runs(short))

    const second = live(test, folder, 2)
    const reregister = await until(
      `re-registration ${second.errors}`,
      () => second.heard.find(message => message.reregister)?.reregister,
    )
    test.equal(reregister.agent_info.id?.value, 'agent-1')
    test.strictSame(reregister.tasks?.map(task => task.task_id.value).sort(), ['long', 'short'])
    test.match(await second.status('short', 'TASK_FAILED'), { message: 'Command exited with status 4' })
    test.strictSame(reregister.tasks?.find(task => task.name === 'long')?.state, 'TASK_RUNNING')
    test.equal(readStat(long)?.startTime, startTime, 'it is the same process')

    const url = await second.url()
    const { tasks } = (await (await fetch(`${url}/meseta/v1/stop-tasks`, { method: 'POST' })).json()) as {
      tasks: number
    }
    test.equal(tasks, 1)
    await second.status('long', 'TASK_KILLED')
    test.notOk(runs(long))
  },
)

t.test(
  'an unacknowledged end is told again by the next agent, from its records, a half-written one left out',
  async test => {
    const folder = await tempFolder(test)
    const first = live(test, folder, 1, { once: 'exit 0' }, { acknowledges: false })
    await first.status('once', 'TASK_STARTING')
    const records = join(
      folder,
      'meta/slaves/agent-1/frameworks/fw-1/executors/once/runs/latest/tasks/once/task.updates',
    )
    await until('the end to be stored', async () =>
      (await readFile(records, 'utf8').catch(() => '')).includes('TASK_FINISHED'),
    )
    await first.kill()
    const uuids = (await readFile(records, 'utf8')).match(/"uuid":"[^"]+"/g)
    await appendFile(records, '1 0badc0de {"type":"UPD')
    const second = live(test, folder, 2)
    const finished = await second.status('once', 'TASK_FINISHED')
    test.ok(uuids?.includes(`"uuid":"${finished.uuid}"`), 'with the uuid that was stored')
    test.equal(second.statuses('once').length, 3)
    await until(
      'everything to be forgotten',
      async () => (await readdir(join(folder, 'meta/slaves/agent-1/frameworks'))).length === 0,
    )
  },
)

t.test('a damaged checkpoint costs only its own task', async test => {
  const folder = await tempFolder(test)
  const first = live(test, folder, 1, { good: 'sleep 1000', bad: 'sleep 1000' })
  await first.status('good', 'TASK_RUNNING')
  const bad = pidOf(await first.status('bad', 'TASK_RUNNING'))
  await first.kill()
  const executors = join(folder, 'meta/slaves/agent-1/frameworks/fw-1/executors')
  await writeFile(join(executors, 'bad/runs/latest/tasks/bad/task.info'), '{"version":1,"in')
  const second = live(test, folder, 2)
  const reregister = await until(
    `re-registration ${second.errors}`,
    () => second.heard.find(message => message.reregister)?.reregister,
  )
  test.strictSame(
    reregister.tasks?.map(task => task.task_id.value),
    ['good'],
  )
  await until('the container that no checkpoint names to be destroyed', () => !runs(bad))
  const metrics = (await (await fetch(`${await second.url()}/metrics/snapshot`)).json()) as Record<string, number>
  test.equal(metrics['slave/recovery_errors'], 1)
})

t.test('damage to what the agent noted of itself costs no task', async test => {
  const folder = await tempFolder(test)
  const first = live(test, folder, 1, { task: 'sleep 1000' })
  const pid = pidOf(await first.status('task', 'TASK_RUNNING'))
  await first.kill()
  const path = join(folder, 'meta/slaves/agent-1/slave.info')
  const stored = await readFile(path, 'utf8')
  for (const damage of ['{"version":1,"in', undefined]) {
    if (damage === undefined) await rm(path)
    else await writeFile(path, damage)
    const next = live(test, folder, 2)
    const url = await next.url()
    const { reregister } = next.heard.find(message => message.reregister ?? message.register) ?? {}
    test.equal(reregister?.agent_info.id?.value, 'agent-1')
    test.equal(reregister?.tasks?.length, 1)
    test.ok(runs(pid))
    const metrics = (await (await fetch(`${url}/metrics/snapshot`)).json()) as Record<string, number>
    test.equal(metrics['slave/recovery_errors'], 1)
    await next.kill()
    test.strictSame(JSON.parse(await readFile(path, 'utf8')).version, JSON.parse(stored).version)
  }
  await live(test, folder, 3).url()
})

t.test('a torn configuration of a container ends that container, and no other', async test => {
  const folder = await tempFolder(test)
  const first = live(test, folder, 1, { good: 'sleep 1000', torn: 'sleep 1000', empty: 'sleep 1000' })
  const pids: Record<string, number> = {}
  for (const id of ['good', 'torn', 'empty']) pids[id] = pidOf(await first.status(id, 'TASK_RUNNING'))
  await first.kill()
  const containers = join(folder, 'runtime/containers')
  for (const name of await readdir(containers)) {
    const pid = Number.parseInt(await readFile(join(containers, name, 'pid'), 'utf8'), 10)
    if (pid === pids.torn) await writeFile(join(containers, name, 'config'), '{"version":1,"id":')
    if (pid === pids.empty) await writeFile(join(containers, name, 'config'), '')
  }
  await mkdir(join(containers, 'parent.child'))
  await writeFile(join(containers, 'parent.child/config'), 'null')
  const second = live(test, folder, 2)
  for (const id of ['torn', 'empty']) {
    test.match(await second.status(id, 'TASK_FAILED'), {
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: 'Abnormal executor termination: what the agent knew of its container was damaged',
    })
    test.strictSame(
      readAllStats().filter(stat => stat.session === pids[id] && isAlive(stat)),
      [],
    )
  }
  test.ok(runs(pids.good ?? 0))
  const metrics = (await (await fetch(`${await second.url()}/metrics/snapshot`)).json()) as Record<string, number>
  test.equal(metrics['slave/recovery_errors'], 3)
  await until('only one to be left', async () => (await readdir(containers)).length === 1)
})

t.test('a checkpoint of another version stops the agent before it touches anything', async test => {
  const folder = await tempFolder(test)
  const first = live(test, folder, 1, { task: 'sleep 1000' })
  const pid = pidOf(await first.status('task', 'TASK_RUNNING'))
  await first.kill()
  const path = join(folder, 'meta/slaves/agent-1/slave.info')
  const stored = await readFile(path, 'utf8')
  await writeFile(path, stored.replace('"version":1', '"version":7'))
  const second = live(test, folder, 2)
  await once(second.child, 'exit')
  test.match(second.errors.join('\n'), /slave\.info has version 7; this agent reads version 1/)
  test.ok(runs(pid), 'the task runs on')
  await writeFile(path, stored)
  const third = live(test, folder, 3)
  await third.url()
})

t.test('tasks of frameworks without checkpoints end with the agent', async test => {
  const folder = await tempFolder(test)
  const first = live(test, folder, 1, { volatile: 'sleep 1000' }, { checkpoint: false })
  const pid = pidOf(await first.status('volatile', 'TASK_RUNNING'))
  await first.kill()
  const second = live(test, folder, 2)
  const reregister = await until(
    `re-registration ${second.errors}`,
    () => second.heard.find(message => message.reregister)?.reregister,
  )
  test.notOk(reregister.tasks?.length)
  await until('its processes to be gone', () => readAllStats().every(stat => stat.session !== pid || !isAlive(stat)))
})

t.test('a second agent does not start on the work folder of another', async test => {
  const folder = await tempFolder(test)
  const first = live(test, folder, 1)
  await first.url()
  const second = live(test, folder, 2)
  await once(second.child, 'exit')
  test.match(second.errors.join('\n'), new RegExp(`the agent of process ${first.child.pid} uses`))
})

t.test(
  'an agent without root runs its tasks as itself, whatever user they name, and takes them over',
  { skip: rootless },
  async test => {
    const nobody = 65534
    const folder = await tempFolder(test)
    await chown(folder, nobody, nobody)
    const first = live(test, folder, 1, { plain: 'id -u; sleep 1000' }, {}, nobody)
    const pid = pidOf(await first.status('plain', 'TASK_RUNNING'))
    await first.kill()
    const second = live(test, folder, 2, {}, {}, nobody)
    const url = await second.url()
    test.ok(runs(pid))
    const path = '/frameworks/fw-1/executors/plain/runs/latest/stdout'
    const read = await fetch(`${url}/files/read?offset=0&path=${encodeURIComponent(path)}`)
    test.match(await read.json(), { data: '65534\n' })
    await fetch(`${url}/meseta/v1/stop-tasks`, { method: 'POST' })
    await second.status('plain', 'TASK_KILLED')
    test.notOk(runs(pid))
  },
)
