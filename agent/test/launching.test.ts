import type { TaskInfo } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { framework, taskInfo } from './harness.ts'
import { HeartBench } from './heart-bench.ts'

const executor = { type: 'DEFAULT', executor_id: { value: 'pod' } } as const

function registered(): HeartBench {
  const bench = new HeartBench()
  bench.register()
  return bench
}

function group(...tasks: TaskInfo[]): HeartBench {
  const bench = registered()
  bench.master({ run_task_group: { framework_info: framework, executor, task_group: { tasks } } })
  return bench
}

const kill = (bench: HeartBench, id: string) =>
  bench.master({ kill_task: { framework_id: { value: 'fw-1' }, task_id: { value: id } } })

t.test('a kill before the start ends the whole group, and what starts all the same is signalled', async test => {
  const bench = group(taskInfo('one', 'true'), taskInfo('two', 'true'))
  kill(bench, 'one')
  test.strictSame(
    bench.of('kill').map(effect => effect.container.value),
    [bench.task('one').container.value, bench.task('two').container.value],
  )
  const aborted = { message: 'the task was killed', reason: 'REASON_CONTAINER_LAUNCH_FAILED' } as const
  bench.step({ type: 'launch-failed', container: bench.task('one').container, ...aborted })
  bench.started('two')
  test.equal(bench.of('kill').length, 3)
  bench.exit('two', 143)
  for (const id of ['one', 'two']) test.strictSame(bench.told(id), ['TASK_STARTING', 'TASK_KILLED'], id)
})

t.test('what can not be given to a plain process is refused with the reason', async test => {
  const volume = (path: string, from: string): Partial<TaskInfo> => ({
    container: {
      type: 'MESOS',
      volumes: [
        {
          mode: 'RW',
          container_path: path,
          source: { type: 'SANDBOX_PATH', sandbox_path: { type: 'PARENT', path: from } },
        },
      ],
    },
  })
  const variable = (name: string, rest: object = {}): Partial<TaskInfo> => ({
    command: { value: 'true', environment: { variables: [{ name, ...rest }] } },
  })
  const cases: [Partial<TaskInfo>, RegExp][] = [
    [volume('../out', 'x'), /"\.\.\/out" lies outside the sandbox/],
    [volume('in', '../../out'), /"in" leads out of the sandbox/],
    [volume('in', '/out'), /"in" leads out of the sandbox/],
    [variable('a=b', { value: 'x' }), /"a=b" is no name for an environment variable/],
    [variable('a', { value: 'x\0y' }), /holds a NUL character/],
    [
      variable('a', { type: 'SECRET', secret: { type: 'REFERENCE', reference: { name: 'x' } } }),
      /refers to a secret store, which this agent does not have/,
    ],
  ]
  for (const [rest, message] of cases) {
    const bench = group(taskInfo('web', 'true', rest))
    const status = bench.task('web').statuses.at(-1)
    test.match(status, { state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED', message })
    test.strictSame(bench.of('launch'), [])
  }
})

t.test('a task and its checks run as whom the nearest names', async test => {
  const check = (user?: string): Partial<TaskInfo> => ({
    health_check: { type: 'COMMAND', delay_seconds: 0, command: { value: 'true', user } },
  })
  const bench = registered()
  bench.run('plain', check())
  bench.run('named', { ...check(), command: { value: 'true', user: 'web' } })
  bench.run('checked', { ...check('checker'), command: { value: 'true', user: 'web' } })
  bench.step({ type: 'tick' })
  test.strictSame(
    bench.of('launch').map(effect => effect.spec.user),
    ['nobody', 'web', 'web'],
  )
  test.strictSame(
    bench
      .of('probe')
      .map(effect => `${effect.run.task} ${effect.run.user}`)
      .sort(),
    ['fw-1/checked checker', 'fw-1/named web', 'fw-1/plain nobody'],
  )
})
