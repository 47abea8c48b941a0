import { type ClusterOptions, findRouter } from './find-cluster.ts'

/** A word that may be typed, and what it is. */
export type Candidate = readonly [word: string, text: string]

/** Longest wait for names that only the cluster knows, ms. */
const patience = 1_000
/** No shell shows more. */
const most = 1_000

type Get = <Body>(path: string, init?: RequestInit) => Promise<Body>
type Source = (get: Get) => Promise<Candidate[]>

const apps: Source = async get => {
  const { apps } = await get<{ apps: { id: string; instances: number }[] }>('/marathon/v2/apps')
  return apps.map(({ id, instances }) => [id, `${instances} instances`])
}
const groups: Source = async get => {
  const root = await get<{ groups?: { id: string; apps?: unknown[] }[] }>('/marathon/v2/groups')
  return (root.groups ?? []).map(({ id, apps }) => [id, `${apps?.length ?? 0} apps`])
}
const pods: Source = async get => {
  const pods = await get<{ id: string; status: string }[]>('/marathon/v2/pods/::status')
  return pods.map(({ id, status }) => [id, status])
}
const deployments: Source = async get => {
  const deployments = await get<{ id: string; affectedApps: string[] }[]>('/marathon/v2/deployments')
  return deployments.map(({ id, affectedApps }) => [id, affectedApps.join(', ')])
}
const tasks: Source = async get => {
  const { tasks } = await get<{ tasks: { id: string; state: string }[] }>(`/mesos/master/tasks?limit=${most}`)
  return tasks.map(({ id, state }) => [id, state])
}
const installed: Source = async get => {
  const { apps } = await get<{ apps: { id: string; labels?: Record<string, string> }[] }>('/marathon/v2/apps')
  return apps.flatMap(({ id, labels }) => (labels?.DCOS_PACKAGE_NAME ? [[labels.DCOS_PACKAGE_NAME, id] as const] : []))
}

const catalogCall = (call: string, body: string): RequestInit => {
  const media = (direction: string) => `application/vnd.dcos.package.${call}-${direction}+json;charset=utf-8;version=v1`
  return { method: 'POST', headers: { 'content-type': media('request'), accept: media('response') }, body }
}
const packages: Source = async get => {
  const { packages } = await get<{ packages: { name: string; description: string }[] }>(
    '/package/search',
    catalogCall('search', '{}'),
  )
  return packages.map(({ name, description }) => [name, description.slice(0, 60)])
}
const repositories: Source = async get => {
  const { repositories } = await get<{ repositories: { name: string; uri: string }[] }>(
    '/package/repository/list',
    catalogCall('repository.list', '{}'),
  )
  return repositories.map(({ name, uri }) => [name, uri])
}

/** What an argument names, by `<group> <argument>`, or `<group> <command> <argument>` where that differs. */
const sources: Readonly<Record<string, Source>> = {
  'app id': apps,
  'version id': apps,
  'group id': groups,
  'pod id': pods,
  'deployment id': deployments,
  'package name': packages,
  'package uninstall name': installed,
  'package list part': installed,
  'package search query': packages,
  'repo remove name': repositories,
  'task task': tasks,
  'task text': tasks,
}

/** Live names for an argument of a command; none where files or free words are wanted. Throws when the cluster does not answer within 1 s. */
export async function names(
  group: string,
  command: string,
  argument: string,
  options: ClusterOptions,
): Promise<readonly Candidate[]> {
  const source = sources[`${group} ${command} ${argument}`] ?? sources[`${group} ${argument}`]
  if (!source) return []
  const router = findRouter(options)
  const signal = AbortSignal.timeout(patience)
  const get: Get = async <Body>(path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${router}${path}`, { ...init, signal })
    return (await answer.json()) as Body
  }
  const seen = new Map(await source(get))
  return [...seen].slice(0, most)
}
