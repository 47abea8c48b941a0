import { type Body, num, object, text, word } from './body.ts'
import { kindOf, type Table } from './columns.ts'
import { Listing, type Rows } from './listing.ts'
import { fieldsOf, sortOf } from './rows.ts'
import { appStatus, isActive } from './status.ts'
import { Timeline, toldBy } from './timeline.ts'

const nobody: ReadonlyMap<string, Body> = new Map()

/** Departed agents whose names are remembered. */
const departedKept = 100

/** Whether the cluster is heard, and since when not. */
export interface Hearing {
  readonly live: boolean
  readonly detail: string
  /** When it was last heard, milliseconds of the caller's clock; 0 for never. */
  readonly at: number
}

/**
 * What the terminal UI knows of the cluster: the objects of the router's stream by kind and key, and what is made of them.
 * Each change costs what depends on it. Pure: time comes with the changes.
 */
export class Model {
  readonly #kinds = new Map<string, Map<string, Body>>()
  readonly #listings = new Map<Table, Listing>()
  readonly #tableOf = new Map<string, Table>()
  readonly #troubled = new Set<string>()
  readonly #departed = new Map<string, string>()
  readonly #states = new Map<string, number>()
  readonly #onAgent = new Map<string, number>()
  readonly #ofFramework = new Map<string, number>()
  readonly #named = new Map<string, Set<string>>()
  readonly #installed = new Map<string, number>()
  readonly timeline = new Timeline()
  /** Whether a whole state has been received. */
  synced = false
  hearing: Hearing = { live: false, detail: 'not connected yet', at: 0 }

  constructor() {
    for (const [table, kind] of Object.entries(kindOf) as [Table, string][]) {
      this.#tableOf.set(kind, table)
      const listing = new Listing({
        sort: key => sortOf(table, key, this.get(kind, key) ?? {}),
        fields: key => fieldsOf(this, table, key),
        namesFirst: table === 'catalog',
      })
      this.#listings.set(table, listing)
    }
  }

  put(kind: string, key: string, value: unknown, at: number): void {
    const body = object(value)
    const before = this.get(kind, key)
    let objects = this.#kinds.get(kind)
    if (!objects) {
      objects = new Map()
      this.#kinds.set(kind, objects)
    }
    objects.set(key, body)
    if (this.synced) this.timeline.say(at, toldBy(kind, key, before, body))
    this.#listingOf(kind)?.put(key)
    this.#follow(kind, key, before, body)
  }

  del(kind: string, key: string, at: number): void {
    const before = this.get(kind, key)
    if (!before) return
    this.#kinds.get(kind)?.delete(key)
    if (this.synced) this.timeline.say(at, toldBy(kind, key, before, undefined))
    this.#listingOf(kind)?.del(key)
    this.#follow(kind, key, before, undefined)
  }

  get(kind: string, key: string): Body | undefined {
    return this.#kinds.get(kind)?.get(key)
  }

  body(table: Table, key: string): Body | undefined {
    return this.get(kindOf[table], key)
  }

  all(kind: string): ReadonlyMap<string, Body> {
    return this.#kinds.get(kind) ?? nobody
  }

  rows(table: Table, filter = ''): Rows {
    return this.#listings.get(table)!.rows(filter)
  }

  count(table: Table): number {
    return this.#listings.get(table)!.length
  }

  cluster(): Body {
    return this.get('cluster', 'cluster') ?? {}
  }

  /** Apps that are not as wanted. */
  troubledApps(): ReadonlySet<string> {
    return this.#troubled
  }

  /** Hosts of agents that went away, by id: of use while the master counts unreachable ones. */
  departedAgents(): readonly string[] {
    return num(object(this.cluster().counts).agents_unreachable) > 0 ? [...this.#departed.values()] : []
  }

  tasksIn(state: string): number {
    return this.#states.get(state) ?? 0
  }

  tasksOn(agent: string): number {
    return this.#onAgent.get(agent) ?? 0
  }

  tasksOfFramework(framework: string): number {
    return this.#ofFramework.get(framework) ?? 0
  }

  installedOf(packageName: string): number {
    return this.#installed.get(packageName) ?? 0
  }

  /** The app that a task is an instance of. */
  appOf(task: Body): string | undefined {
    const instance = this.get('instance', text(task.id))
    if (instance) return text(instance.appId)
    if (text(task.framework_name) !== 'marathon') return undefined
    return `/${text(task.name).split('.').reverse().join('/')}`
  }

  /** Keys of an app's tasks, those that ended among them, newest first. */
  tasksOfApp(id: string): readonly string[] {
    const name = id.split('/').filter(Boolean).reverse().join('.')
    const started = (key: string) => num(this.get('task', key)?.timestamp)
    return [...(this.#named.get(name) ?? [])]
      .filter(key => this.appOf(this.get('task', key) ?? {}) === id)
      .sort((a, b) => started(b) - started(a))
  }

  #listingOf(kind: string): Listing | undefined {
    const table = this.#tableOf.get(kind)
    return table && this.#listings.get(table)
  }

  /** Brings up to date what depends on the object. */
  #follow(kind: string, key: string, before: Body | undefined, after: Body | undefined): void {
    switch (kind) {
      case 'app':
      case 'wait':
        this.#judge(key)
        this.#listings.get('apps')!.touch(key)
        this.#listings.get('packages')!.touch(key)
        break
      case 'task':
        this.#countTask(key, before, -1)
        this.#countTask(key, after, 1)
        break
      case 'agent':
        if (after) this.#departed.delete(key)
        else if (this.#departed.size < departedKept) this.#departed.set(key, text(before?.hostname))
        break
      case 'installed':
        this.#countInstalled(text(before?.packageName), -1)
        this.#countInstalled(text(after?.packageName), 1)
        break
    }
  }

  #judge(id: string): void {
    const app = this.get('app', id)
    if (app && /^[x!]$/.test(appStatus(app, this.get('wait', id)).mark)) this.#troubled.add(id)
    else this.#troubled.delete(id)
  }

  #countTask(key: string, task: Body | undefined, by: 1 | -1): void {
    if (!task) return
    const state = word(task.state)
    add(this.#states, state, by)
    const name = text(task.name)
    let ofName = this.#named.get(name)
    if (by === 1) {
      if (!ofName) {
        ofName = new Set()
        this.#named.set(name, ofName)
      }
      ofName.add(key)
    } else if (ofName?.delete(key) && ofName.size === 0) this.#named.delete(name)
    if (!isActive(state)) return
    add(this.#onAgent, text(task.slave_id), by)
    add(this.#ofFramework, text(task.framework_id), by)
  }

  #countInstalled(packageName: string, by: 1 | -1): void {
    if (packageName === '') return
    add(this.#installed, packageName, by)
    this.#listings.get('catalog')!.touch(packageName)
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const sum = (counts.get(key) ?? 0) + by
  if (sum > 0) counts.set(key, sum)
  else counts.delete(key)
}
