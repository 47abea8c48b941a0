import type { Command } from 'commander'
import { withJson } from './options.ts'

const actions = () => import('../actions/app.ts')
const others = () => import('../actions/marathon.ts')

const withForce = (command: Command) => withJson(command).option('--force', 'even while a deployment holds it', false)
const withWait = (command: Command) =>
  withForce(command)
    .option('--wait', 'return when the deployment is over', false)
    .option('--timeout <seconds>', 'how long to wait', '300')

/** `meseta app …` and `meseta marathon app|group|deployment|pod …`. */
export function register(program: Command): void {
  addAppCommands(program.command('app').description('deploy and manage long-running apps'))
  const marathon = program.command('marathon').description('the service framework: apps, groups, pods, deployments')
  addAppCommands(marathon.command('app').description('deploy and manage long-running apps'))
  addGroupCommands(marathon.command('group').description('apps that belong together'))
  addPodCommands(marathon.command('pod').description('tasks that share a place'))
  addDeploymentCommands(marathon.command('deployment').description('changes that are under way'))
}

function addAppCommands(app: Command): void {
  withJson(app.command('list').description('list apps').option('-q, --quiet', 'ids only', false)).action(
    async options => (await actions()).list(options),
  )
  withJson(app.command('show').description('show an app').argument('<id>'))
    .option('--app-version <version>', 'an older version: its time, or -n for the n-th before')
    .action(async (id, options) => (await actions()).show(id, options))
  withWait(app.command('add').description('add an app from a file or standard input').argument('[file]')).action(
    async (file, options) => (await actions()).add(file, options),
  )
  withWait(
    app
      .command('update')
      .description('change an app: key=value words, or JSON on standard input')
      .argument('<id>')
      .argument('[changes...]'),
  ).action(async (id, words, options) => (await actions()).update(id, words, options))
  withWait(
    app.command('scale').description('set the number of instances').argument('<id>').argument('<instances>'),
  ).action(async (id, count, options) => (await actions()).scale(id, count, options))
  withWait(app.command('start').description('start a stopped app').argument('<id>').argument('[instances]')).action(
    async (id, count, options) => (await actions()).start(id, count, options),
  )
  withWait(app.command('stop').description('set the instances to none').argument('<id>')).action(async (id, options) =>
    (await actions()).stop(id, options),
  )
  withWait(app.command('restart').description('replace every instance, one after the other').argument('<id>')).action(
    async (id, options) => (await actions()).restart(id, options),
  )
  withWait(app.command('remove').description('end an app and forget it').argument('<id>')).action(async (id, options) =>
    (await actions()).remove(id, options),
  )
  withJson(app.command('kill').description('kill the running tasks of an app').argument('<id>'))
    .option('--scale', 'do not replace them', false)
    .option('--host <host>', 'only those on this host')
    .action(async (id, options) => (await actions()).kill(id, options))
  const version = app.command('version').description('versions of an app')
  withJson(version.command('list').description('list them, newest first').argument('<id>'))
    .option('--max-count <n>', 'at most this many')
    .action(async (id, options) => (await actions()).versions(id, options))
}

function addGroupCommands(group: Command): void {
  withJson(group.command('list').description('list groups')).action(async options => (await others()).groups(options))
  withJson(group.command('show').description('show a group').argument('<id>')).action(async (id, options) =>
    (await others()).showGroup(id, options),
  )
  withForce(group.command('add').description('add a group from a file or standard input').argument('[file]')).action(
    async (file, options) => (await others()).addGroup(file, options),
  )
  withForce(group.command('remove').description('end all apps of a group and forget it').argument('<id>')).action(
    async (id, options) => (await others()).removeGroup(id, options),
  )
}

function addPodCommands(pod: Command): void {
  withJson(pod.command('list').description('list pods')).action(async options => (await others()).pods(options))
  withJson(pod.command('show').description('show a pod').argument('<id>')).action(async (id, options) =>
    (await others()).showPod(id, options),
  )
  withForce(pod.command('add').description('add a pod from a file or standard input').argument('[file]')).action(
    async (file, options) => (await others()).addPod(file, options),
  )
  withForce(pod.command('remove').description('end a pod and forget it').argument('<id>')).action(async (id, options) =>
    (await others()).removePod(id, options),
  )
}

function addDeploymentCommands(deployment: Command): void {
  withJson(
    deployment.command('list').description('list running deployments').option('-q, --quiet', 'ids only', false),
  ).action(async options => (await others()).deployments(options))
  withJson(deployment.command('rollback').description('undo what a deployment changes').argument('<id>')).action(
    async (id, options) => (await others()).endDeployment(id, 'rollback', options),
  )
  withJson(deployment.command('stop').description('stop a deployment where it stands').argument('<id>')).action(
    async (id, options) => (await others()).endDeployment(id, 'stop', options),
  )
}
