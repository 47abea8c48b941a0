import type { ClusterOptions } from '../client/find-cluster.ts'
import { idPath, Marathon } from '../client/marathon.ts'
import { readObject } from '../client/options.ts'
import { Router } from '../client/router.ts'
import { Failure } from '../output/failure.ts'
import { printJson, printLines, printRows } from '../output/print.ts'
import { type ChangeOptions, force, type ReadOptions } from './app.ts'

export async function deployments(options: ReadOptions): Promise<void> {
  const all = await new Marathon(Router.find(options)).deployments()
  if (options.json) return printJson(all)
  if (options.quiet) return printLines(all.map(({ id }) => id))
  if (all.length === 0) throw new Failure('There are no deployments')
  printRows(false, all, ['app', 'pod', 'action', 'progress', 'id'], () =>
    all.map(deployment => [
      deployment.affectedApps.join(', ') || '-',
      deployment.affectedPods?.join(', ') || '-',
      deployment.currentActions.map(({ action }) => action.replace(/Application|Pod/, '').toLowerCase()).join(', ') ||
        '-',
      `${deployment.currentStep}/${deployment.totalSteps}`,
      deployment.id,
    ]),
  )
}

export async function endDeployment(
  id: string,
  mode: 'rollback' | 'stop',
  options: ClusterOptions & { json: boolean },
): Promise<void> {
  const result = await new Marathon(Router.find(options)).change(
    'DELETE',
    `/v2/deployments/${encodeURIComponent(id)}${mode === 'stop' ? '?force=true' : ''}`,
  )
  if (mode === 'rollback' || options.json) printJson(result, 2)
}

export async function addGroup(file: string | undefined, options: ChangeOptions): Promise<void> {
  const result = await new Marathon(Router.find(options)).change(
    'POST',
    `/v2/groups${force(options)}`,
    await readObject(file),
  )
  if (options.json) printJson(result)
  else process.stdout.write(`Created deployment ${result.deploymentId}\n`)
}

export async function removeGroup(id: string, options: ChangeOptions): Promise<void> {
  if (idPath(id) === '/') {
    throw new Failure('the group / holds everything, and can not be removed', {
      exit: 'usage',
      hint: '`meseta marathon group list` shows its groups',
    })
  }
  const result = await new Marathon(Router.find(options)).change('DELETE', `/v2/groups${idPath(id)}${force(options)}`)
  if (options.json) printJson(result)
}

interface Group {
  readonly id: string
  readonly apps?: readonly unknown[]
  readonly pods?: readonly unknown[]
  readonly groups?: readonly Group[]
  readonly enforceRole?: boolean
}

export async function groups(options: ReadOptions): Promise<void> {
  const root = await new Marathon(Router.find(options)).get<Group>('/v2/groups')
  const all = root.groups ?? []
  const count = (group: Group): number =>
    (group.apps?.length ?? 0) + (group.groups ?? []).reduce((sum, child) => sum + count(child), 0)
  printRows(options.json, all, ['id', 'apps', 'enforce_role'], () =>
    all.map(group => [group.id, String(count(group)), group.enforceRole ? 'True' : 'False']),
  )
}

export async function showGroup(id: string, options: ClusterOptions): Promise<void> {
  printJson(await new Marathon(Router.find(options)).get(`/v2/groups${idPath(id)}`))
}

export async function addPod(file: string | undefined, options: ChangeOptions): Promise<void> {
  const result = await new Marathon(Router.find(options)).change(
    'POST',
    `/v2/pods${force(options)}`,
    await readObject(file),
  )
  if (options.json) printJson(result)
  else process.stdout.write(`Created deployment ${result.deploymentId}\n`)
}

export async function pods(options: ReadOptions): Promise<void> {
  const all = await new Marathon(Router.find(options)).get<
    {
      id: string
      status: string
      statusSince: string
      instances: unknown[]
      spec?: { version?: string; role?: string }
    }[]
  >('/v2/pods/::status')
  printRows(options.json, all, ['id', 'instances', 'version', 'status', 'status since', 'role'], () =>
    all.map(pod => [
      pod.id,
      String(pod.instances.length),
      pod.spec?.version ?? '-',
      pod.status,
      pod.statusSince,
      pod.spec?.role ?? '*',
    ]),
  )
}

export async function showPod(id: string, options: ClusterOptions): Promise<void> {
  printJson(await new Marathon(Router.find(options)).get(`/v2/pods${idPath(id)}`))
}

export async function removePod(id: string, options: ChangeOptions): Promise<void> {
  const result = await new Marathon(Router.find(options)).change('DELETE', `/v2/pods${idPath(id)}${force(options)}`)
  if (options.json) printJson(result)
}
