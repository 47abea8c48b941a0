import type { ExecutorInfo, FrameworkInfo, TaskInfo } from '@meseta/common/protocol/mesos'
import { type Authorizer, allowsAll } from './actions.ts'
import { refusalOf } from './operations.ts'

/**
 * Why a framework may not run a task, or undefined (Mesos contract 2.4, 8.2): it must be allowed each user that something of it would run
 * as, in its checks and its executor too. `executor`: the one of a group, which its tasks need not repeat.
 */
export function runRefusal(
  authorizer: Authorizer,
  framework: FrameworkInfo,
  task: TaskInfo,
  executor?: ExecutorInfo,
): string | undefined {
  // Where everybody may do everything nobody is asked: a launch of many tasks is the busiest that a master does.
  if (authorizer === allowsAll) return undefined
  const users = new Set([
    runUser(framework, task),
    task.executor?.command?.user,
    // A command of the group's executor runs beside those of its tasks.
    executor?.command && (executor.command.user ?? framework.user),
    task.check?.command?.command.user,
    task.health_check?.command?.user,
  ])
  users.delete(undefined)
  return refusalOf(
    authorizer,
    framework.principal,
    [...users].map(user => ['run_tasks', user]),
  )
}

/** Who a task runs as: the user of its command, or its executor's, or its framework's. */
const runUser = ({ user }: FrameworkInfo, { command, executor }: TaskInfo): string | undefined =>
  command?.user ?? executor?.command?.user ?? user
