import { type Command, Option } from 'commander'
import { withJson } from './options.ts'

/** `--work-dir`, which every command that concerns a cluster on this machine takes. */
export function withWorkDir(command: Command): Command {
  return command.option(
    '--work-dir <folder>',
    'where the cluster of this machine lives (MESETA_WORK_DIR, else ~/.local/state/meseta)',
  )
}

/** The commands that start, show and end a cluster on this machine. */
export function register(program: Command): void {
  withWorkDir(program.command('up').description('start a cluster on this machine, or adopt the one that runs here'))
    .option('--agents <n>', 'number of agents', '1')
    .option('--masters <n>', 'number of masters (with --processes)', '1')
    .option('--processes', 'each component a process of its own, on real ZooKeeper and NATS servers', false)
    .option('--zk <url>', 'use this ZooKeeper ensemble instead of starting a server (with --processes)')
    .option('--nats <url>', 'use this NATS server instead of starting one (with --processes)')
    .option('--detach', 'return when the cluster is ready; `meseta down` ends it', false)
    .option('--no-ui', 'print the endpoints instead of showing the terminal UI')
    .option('--cluster-name <name>', 'name of the cluster', 'meseta')
    .addOption(
      new Option('--log-level <level>', 'how much is logged')
        .choices(['trace', 'debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .option('--json', 'print the endpoints as one JSON object when ready', false)
    .action(async options => (await import('../cluster/up.ts')).up(options))

  withWorkDir(program.command('down').description('end the cluster of this machine and its tasks'))
    .option('--keep-tasks', 'leave the tasks running; the next `meseta up` adopts them', false)
    .option('--timeout <seconds>', 'how long to wait for tasks and processes to end', '60')
    .option('--json', 'print the result as JSON', false)
    .action(async options => (await import('../cluster/down.ts')).down(options))

  withJson(program.command('status').description('show the processes, health and resources of the cluster')).action(
    async options => (await import('../cluster/status.ts')).status(options),
  )

  program
    .command('run')
    .description('run one component as a process of its own (`meseta run master --help` lists its flags)')
    .argument('[component]', 'master, agent, marathon, universe, gateway, dns or balancer')
    .argument('[flags...]', 'flags of the component')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(async (name: string | undefined, flags: string[], _options: unknown, command: Command) => {
      if (name === undefined || name === '--help' || name === '-h') command.outputHelp()
      else await (await import('../cluster/run.ts')).run(name, flags)
    })
}
