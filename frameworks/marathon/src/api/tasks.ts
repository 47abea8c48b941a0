import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { notFound, Refusal } from '../core/errors.ts'
import { type Instance, isActive, parseTaskId } from '../core/instance.ts'
import type { AppService, Service } from '../core/model.ts'
import type { PathId } from '../core/paths.ts'
import { servicePorts, tasksOf, taskView } from '../core/view/task.ts'
import type { Leader } from '../shell/leader.ts'
import { allOf, bodyOf, clientOf, flagOf, textOf } from './query.ts'
import { sendResult } from './result.ts'

/** The tasks of services, with their service ports. */
export const listTasks = (leader: Leader, services: readonly Service[]): Record<string, unknown>[] =>
  services.flatMap(service =>
    tasksOf(leader.state, service.spec.id).map(task => ({ ...task, servicePorts: servicePorts(service) })),
  )

/** /v2/tasks (contract 2). */
export function addTaskRoutes(app: FastifyInstance, leader: () => Leader): void {
  app.get('/v2/tasks', request => {
    const accept = request.headers.accept ?? '*/*'
    if (/text\/plain/.test(accept) && !/json|\*\/\*/.test(accept))
      throw new Refusal(406, 'the list of tasks as plain text is not served any more; ask for application/json')
    const wanted = allOf(request, 'status', 'status[]').map(one => one.toLowerCase())
    const services = [...leader().state.root.services.values()].filter((one): one is AppService => one.kind === 'app')
    const tasks = listTasks(leader(), services)
    return { tasks: wanted.length === 0 ? tasks : tasks.filter(task => wanted.includes(statusOf(task))) }
  })
  app.post('/v2/tasks/delete', (request, reply) => deleteTasks(leader(), request, reply))
}

const statusOf = (task: Record<string, unknown>): string =>
  task.state === 'TASK_RUNNING'
    ? 'running'
    : task.state === 'TASK_STAGING' || task.state === 'TASK_STARTING'
      ? 'staging'
      : ''

interface KillMode {
  readonly scale: boolean
  readonly wipe: boolean
}

function modeOf(request: FastifyRequest): KillMode {
  const mode = { scale: flagOf(request, 'scale'), wipe: flagOf(request, 'wipe') }
  if (mode.scale && mode.wipe) throw new Refusal(400, 'You cannot use scale and wipe at the same time.')
  return mode
}

async function deleteTasks(leader: Leader, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const mode = modeOf(request)
  const body = bodyOf(request) as { ids?: unknown }
  const { ids } = body
  if (!Array.isArray(ids) || !ids.every(id => typeof id === 'string'))
    throw new Refusal(422, 'Invalid JSON', {
      details: [{ path: '/ids', errors: [ids === undefined ? 'error.path.missing' : 'error.expected.jsarray'] }],
    })
  const instances: Instance[] = []
  for (const id of ids as string[]) {
    const parsed = parseTaskId(id)
    if (parsed === undefined) throw new Refusal(400, `unable to parse task id '${id.slice(0, 200)}'`)
    const instance = leader.state.instances.get(parsed.instance)
    if (instance !== undefined && !instances.includes(instance)) instances.push(instance)
  }
  return kill(
    leader,
    instances.filter(instance => isActive(instance.condition)),
    mode,
    request,
    reply,
    tasks => ({ tasks }),
  )
}

/** DELETE /v2/apps/{id}/tasks[/{task}]. */
export function killTasks(
  leader: Leader,
  id: PathId,
  task: string | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const mode = modeOf(request)
  if (leader.state.root.services.get(id)?.kind !== 'app') throw notFound('App', id)
  const host = textOf(request, 'host')
  const active = leader.state.instancesOf(id).filter(instance => isActive(instance.condition))
  if (task === undefined) {
    const victims = active.filter(one => host === undefined || host === '*' || one.placement?.hostname === host)
    return kill(leader, victims, mode, request, reply, tasks => ({ tasks }))
  }
  const parsed = parseTaskId(task)
  if (parsed === undefined) throw new Refusal(400, `unable to parse task id '${task.slice(0, 200)}'`)
  const victim = active.find(one => one.id === parsed.instance)
  if (victim === undefined) throw notFound('Task', task)
  return kill(leader, [victim], mode, request, reply, ([first]) => ({ task: first }))
}

async function kill(
  leader: Leader,
  victims: readonly Instance[],
  mode: KillMode,
  request: FastifyRequest,
  reply: FastifyReply,
  body: (tasks: unknown[]) => unknown,
): Promise<unknown> {
  const views = victims
    .flatMap(one => one.tasks.map(task => taskView(leader.state, one, task)))
    .filter(view => view !== undefined)
  if (!mode.scale) {
    await leader.kill(
      victims.map(one => one.id),
      mode.wipe,
    )
    return body(views)
  }
  const chosen = new Map<PathId, string[]>()
  for (const one of victims) {
    if (leader.state.kills.has(one.id) || one.goal !== 'Running') continue
    chosen.set(one.service, [...(chosen.get(one.service) ?? []), one.id])
  }
  const done = await leader.change(
    { kind: 'scale-down', victims: chosen },
    { force: flagOf(request, 'force'), client: clientOf(request) },
  )
  return sendResult(reply, done)
}
