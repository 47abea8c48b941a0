import type { Command } from 'commander'
import { several, withJson } from './options.ts'

const actions = () => import('../actions/package.ts')

/** The catalog and what is installed from it. */
export function register(program: Command): void {
  const group = program.command('package').description('install and manage packages of the catalog')

  withJson(
    group
      .command('search')
      .description('search the catalog')
      .argument('[query]', 'part of a name, description or tag; * is a wildcard'),
  ).action(async (query, options) => (await actions()).search(query, options))

  withJson(group.command('describe').description('show a package').argument('<name>'))
    .option('--package-version <version>', 'this version instead of the newest')
    .option('--package-versions', 'list its versions, newest first', false)
    .option('--config', 'show the schema of its options', false)
    .option('--app', 'show the template of its app', false)
    .option('--render', 'with --app: the app as it would be installed', false)
    .option('--options <file>', 'options as JSON, for --app')
    .option('--app-id <id>', 'id of the app, for --app')
    .action(async (name, options) => (await actions()).describe(name, options))

  withJson(group.command('install').description('install a package and wait until it runs').argument('<name>'))
    .option('--package-version <version>', 'this version instead of the newest')
    .option('--options <file>', 'options as JSON; - reads standard input')
    .option('--set <group.key=value>', 'one option; may be given several times', several, [])
    .option('--app-id <id>', 'id of the app instead of the one the package chooses')
    .option('--yes', 'do not ask', false)
    .option('--no-wait', 'return when the cluster has accepted it')
    .option('--timeout <seconds>', 'how long to wait', '300')
    .action(async (name, options) => (await actions()).install(name, options))

  withJson(group.command('list').description('list installed packages').argument('[part]', 'part of a name or app id'))
    .option('--app-id <id>', 'only this app')
    .action(async (part, options) => (await actions()).list(part, options))

  withJson(group.command('uninstall').description('remove a package and its app').argument('<name>'))
    .option('--app-id <id>', 'the one of several installations')
    .option('--all', 'every installation of this package', false)
    .option('--yes', 'do not ask', false)
    .option('--no-wait', 'return when the cluster has accepted it')
    .option('--timeout <seconds>', 'how long to wait', '300')
    .action(async (name, options) => (await actions()).uninstall(name, options))

  group
    .command('render')
    .description('render a package of a repository folder; no cluster is needed')
    .argument('<name>')
    .option('--json', 'print JSON', false)
    .requiredOption('--from <folder>', 'the repository folder')
    .option('--release <n>', 'this release instead of the newest')
    .option('--options <file>', 'options as JSON; - reads standard input')
    .option('--set <group.key=value>', 'one option; may be given several times', several, [])
    .option('--app-id <id>', 'id of the app')
    .action(async (name, options) => (await actions()).render(name, options))

  const repo = group.command('repo').description('the repositories that packages come from')
  withJson(repo.command('list').description('list them, highest priority first')).action(async options =>
    (await actions()).repositories(options),
  )
  withJson(repo.command('add').description('add one').argument('<name>').argument('<uri>'))
    .option('--index <n>', 'its place: 0 is the highest priority; last when not given')
    .action(async (name, uri, options) => (await actions()).addRepository(name, uri, options))
  withJson(repo.command('remove').description('remove some').argument('<name...>')).action(async (names, options) =>
    (await actions()).removeRepositories(names, options),
  )
}
