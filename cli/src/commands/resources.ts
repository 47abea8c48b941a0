import type { Command } from 'commander'
import { withJson } from './options.ts'

/** `meseta task | node | service …`: what runs, and where. */
export function register(program: Command): void {
  const tasks = () => import('../actions/task.ts')
  const task = program.command('task').description('see tasks and their logs')
  const whichTasks = (command: Command) =>
    command.option('--all', 'ended ones too', false).option('--completed', 'ended ones only', false)
  withJson(
    whichTasks(
      task.command('list').description('list tasks').argument('[text]', 'part of an id, or a pattern with * and ?'),
    ),
  )
    .option('-q, --quiet', 'ids only', false)
    .option('--agent-id <id>', 'only those on this agent')
    .action(async (text, options) => (await tasks()).list(text, options))
  withJson(
    whichTasks(
      task
        .command('log')
        .description('show the end of a log')
        .argument('<task>', 'part of its id, or a pattern')
        .argument('[file]', 'stdout, stderr, or any file of its sandbox'),
    ),
  )
    .option('-f, --follow', 'go on showing what comes', false)
    .option('--lines <n>', 'this many lines of what there is', '10')
    .action(async (text, file, options) => (await tasks()).log(text, file, options))
  withJson(task.command('show').description('show a task').argument('<task>', 'its id, or part of it')).action(
    async (text, options) => (await tasks()).show(text, options),
  )

  const nodes = () => import('../actions/nodes.ts')
  const node = program.command('node').description('see the machines')
  withJson(node.command('list').description('list masters and agents')).action(async options =>
    (await nodes()).list(options),
  )
  const service = program.command('service').description('see the frameworks that run tasks')
  withJson(service.command('list').description('list them'))
    .option('--completed', 'ended ones too', false)
    .option('--inactive', 'disconnected ones only', false)
    .action(async options => (await nodes()).services(options))
}
