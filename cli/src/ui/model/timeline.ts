import type { Tone } from '../text.ts'
import { type Body, num, object, objects, text, texts, word } from './body.ts'
import { agentStatus, ofDeployments } from './status.ts'

/** Something that changed, as a line of the timeline. */
export interface Happening {
  readonly at: number
  /** What it is about: an app, a task, a node. */
  readonly subject: string
  readonly text: string
  readonly tone?: Tone | undefined
}

/** Happenings that are kept; the oldest go first. */
const kept = 500

type Told = readonly [subject: string, text: string, tone?: Tone]

const failed = /^(failed|error|lost|dropped|gone|gone_by_operator|unreachable)$/

/** What happened, newest first, read from what changed between two bodies of an object. */
export class Timeline {
  readonly #items: Happening[] = []

  /** Newest first. */
  latest(count: number): readonly Happening[] {
    return this.#items.slice(-count).reverse()
  }

  get length(): number {
    return this.#items.length
  }

  say(at: number, told: Told | undefined): void {
    if (told === undefined) return
    const [subject, what, tone] = told
    this.#items.push({ at, subject, text: what, tone })
    if (this.#items.length > kept) this.#items.shift()
  }
}

/** What a change of an object says. `before` is undefined for a new one, `after` for one that is gone. */
export function toldBy(kind: string, key: string, before: Body | undefined, after: Body | undefined): Told | undefined {
  switch (kind) {
    case 'task':
      return after && aboutTask(before, after)
    case 'instance':
      return aboutHealth(key, before, after)
    case 'app':
      return aboutApp(key, before, after)
    case 'deployment':
      return aboutDeployment(before, after)
    case 'wait':
      return aboutWait(key, before, after)
    case 'agent':
      return aboutAgent(before, after)
    case 'framework':
      if (!before && after) return [text(after.name), 'framework registered']
      if (!after) return [text(before?.name), 'framework gone', 'warn']
      if (before!.active === after.active) return undefined
      return after.active
        ? [text(after.name), 'framework is back', 'good']
        : [text(after.name), 'framework lost', 'warn']
    case 'cluster':
      return aboutLeader(before, after)
    case 'source':
      if (before?.state === after?.state) return undefined
      return after?.state === 'live' ? [key, 'heard again', 'good'] : [key, `not heard: ${text(after?.detail)}`, 'bad']
    case 'installed':
      if (before && after) return undefined
      return after
        ? [key, `package ${text(after.packageName)} ${text(after.packageVersion)} installed`, 'good']
        : [key, `package ${text(before?.packageName)} uninstalled`]
    default:
      return undefined
  }
}

function aboutTask(before: Body | undefined, after: Body): Told | undefined {
  if (before?.state === after.state) return undefined
  const state = word(after.state)
  // On its way to running it says nothing yet.
  if (state === 'staging' || state === 'starting') return undefined
  const bad = failed.test(state)
  const why = text(after.message)
  const ended = bad || state === 'killed' || state === 'finished'
  const reason = ended && why ? `: ${why}` : ''
  const name = text(after.name) || text(after.id)
  return [
    text(after.framework_name) === 'marathon' ? `/${name.split('.').reverse().join('/')}` : name,
    `task ${state}${reason}`,
    bad ? 'bad' : state === 'running' ? 'good' : undefined,
  ]
}

/** Waits that come and go with each launch are not worth a line. */
function aboutWait(key: string, before: Body | undefined, after: Body | undefined): Told | undefined {
  if (!after || before?.code === after.code || after.code === 'NO_OFFERS' || after.code === 'BACKOFF') return undefined
  return [key, `waits: ${text(after.sentence)}`, ofDeployments.has(text(after.code)) ? undefined : 'warn']
}

function aboutHealth(key: string, before: Body | undefined, after: Body | undefined): Told | undefined {
  if (!before || !after || before.healthy === after.healthy || after.healthy === null) return undefined
  const app = text(after.appId) || key
  if (after.healthy === true) return [app, 'instance healthy', 'good']
  const cause = objects(after.healthCheckResults)
    .map(result => text(result.lastFailureCause))
    .find(Boolean)
  return [app, `instance not healthy${cause ? `: ${cause}` : ''}`, 'bad']
}

function aboutApp(key: string, before: Body | undefined, after: Body | undefined): Told | undefined {
  if (!before) return [key, `app added, ${num(after?.instances)} wanted`]
  if (!after) return [key, 'app removed']
  if (before.instances !== after.instances)
    return [key, `scaled from ${num(before.instances)} to ${num(after.instances)}`]
  return before.version === after.version ? undefined : [key, 'new version']
}

function aboutDeployment(before: Body | undefined, after: Body | undefined): Told | undefined {
  const body = after ?? before ?? {}
  const subject = [...texts(body.affectedApps), ...texts(body.affectedPods)].join(', ')
  if (!before) return [subject, 'deployment begins', 'busy']
  return after ? undefined : [subject, 'deployment over']
}

function aboutAgent(before: Body | undefined, after: Body | undefined): Told | undefined {
  const name = text((after ?? before)?.hostname)
  if (!before) return [name, 'agent registered', 'good']
  if (!after) return [name, 'agent gone', 'bad']
  const status = agentStatus(after)
  const was = agentStatus(before)
  if (status === was) return undefined
  if (status === 'disconnected') return [name, 'agent disconnected', 'bad']
  if (status !== 'active') return [name, `agent is ${status}`]
  return [name, was === 'disconnected' ? 'agent is back' : 'agent takes tasks again', 'good']
}

function aboutLeader(before: Body | undefined, after: Body | undefined): Told | undefined {
  const leader = (body: Body | undefined) => text(object(body?.leader_info).id)
  if (!before || !after || leader(before) === leader(after)) return undefined
  const { hostname, port } = object(after.leader_info)
  return ['master', `leader is ${text(hostname)}:${text(port)}`, 'warn']
}
