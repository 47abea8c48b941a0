import { setTimeout as sleep } from 'node:timers/promises'
import { Catalog } from '../client/catalog.ts'
import { idPath, Marathon } from '../client/marathon.ts'
import { Router } from '../client/router.ts'
import { type LoggedTask, TaskLog } from '../client/task-log.ts'
import { Failure } from '../output/failure.ts'
import type { OptionError } from './install/form.ts'
import { plannedApps } from './install/plan.ts'
import type { Model } from './model/model.ts'
import type { Action, Event, LogFile, PackageRequest } from './state.ts'

/** How often a log that is shown is looked at, ms: the files API has no stream. */
const logInterval = 400
const firstLines = 500
/** A name and a page are asked for so often, ms, and so many times, before it is said that they do not answer. */
const probeInterval = 500
const probeTries = 120

/** Does what the screen asks for, through the router, and tells what came of it. */
export class Worker {
  readonly #router: Router
  readonly #catalog: Catalog
  readonly #marathon: Marathon
  readonly #model: Model
  readonly #tell: (event: Event) => void
  readonly #over = new AbortController()
  #log = new AbortController()

  constructor(router: string, model: Model, tell: (event: Event) => void) {
    // Nobody else may write to the screen.
    this.#router = new Router(router, 0)
    this.#catalog = new Catalog(this.#router)
    this.#marathon = new Marathon(this.#router)
    this.#model = model
    this.#tell = event => {
      if (!this.#over.signal.aborted) tell(event)
    }
  }

  async perform(action: Action): Promise<void> {
    try {
      await this.#do(action)
    } catch (error) {
      if (!isAbort(error)) this.#tell(failed(action, error))
    }
  }

  stop(): void {
    this.#over.abort()
    this.#log.abort()
  }

  async #do(action: Action): Promise<void> {
    switch (action.type) {
      case 'describe':
        return this.#describe(action.name, action.version)
      case 'render': {
        const { marathonJson } = await this.#catalog.render(requestOf(action.request))
        return this.#tell({ type: 'rendered', name: action.request.packageName, apps: plannedApps(marathonJson) })
      }
      case 'install': {
        const { appId, postInstallNotes = '' } = await this.#catalog.install(requestOf(action.request))
        return this.#tell({
          type: 'installed',
          name: action.request.packageName,
          appId,
          notes: postInstallNotes,
          at: Date.now(),
        })
      }
      case 'probe':
        await Promise.all([
          this.#probe(action.name, 'name', () => this.#nameAnswers(action.name)),
          ...(action.page === undefined
            ? []
            : [this.#probe(action.name, 'page', () => this.#pageAnswers(action.page!))]),
        ])
        return
      case 'uninstall':
        await this.#catalog.uninstall({ packageName: action.name, appId: action.appId })
        return this.#done(`${action.name} (${action.appId}) is being removed`)
      case 'scale':
        await this.#marathon.change('PUT', `/v2/apps${idPath(action.id)}`, { instances: action.instances })
        return this.#done(`${action.id} is being scaled to ${action.instances}`)
      case 'restart':
        await this.#marathon.change('POST', `/v2/apps${idPath(action.id)}/restart`, {})
        return this.#done(`the instances of ${action.id} are being replaced`)
      case 'remove':
        // Marathon's own default would run over a deployment of the app.
        await this.#marathon.change('DELETE', `/v2/apps${idPath(action.id)}?force=false`)
        return this.#done(`${action.id} is being deleted`)
      case 'open-log':
        return this.#follow(action.task, action.file)
      case 'close-log':
        return this.#log.abort()
      case 'quit':
        return
    }
  }

  #done(text: string): void {
    this.#tell({ type: 'notice', text, bad: false })
  }

  async #describe(name: string, wanted?: string): Promise<void> {
    const [{ version, config, preInstallNotes = '' }, { results }] = await Promise.all([
      this.#catalog.describe(name, wanted),
      this.#catalog.versions(name),
    ])
    const versions = Object.entries(results)
      .sort(([, a], [, b]) => Number(b) - Number(a))
      .map(([one]) => one)
    this.#tell({ type: 'described', name, version, versions, config, notes: preInstallNotes })
  }

  /** Asks until it answers. `ask` says what was answered instead. */
  async #probe(of: string, what: 'name' | 'page', ask: () => Promise<string | undefined>): Promise<void> {
    for (let tries = 1; tries <= probeTries; tries += 1) {
      const instead = await ask().catch((error: Error) => error.message)
      if (instead === undefined) return this.#tell({ type: 'answered', of, what, at: Date.now() })
      this.#tell({ type: 'unanswered', of, what, detail: instead })
      await sleep(probeInterval, undefined, { signal: this.#over.signal })
    }
  }

  async #nameAnswers(name: string): Promise<string | undefined> {
    const answer = await this.#router.ask(`/mesos_dns/v1/hosts/${name}`)
    const hosts = answer.status < 300 ? (JSON.parse(answer.text) as readonly { readonly ip?: string }[]) : []
    return hosts.some(({ ip }) => ip) ? undefined : `${name} does not resolve yet`
  }

  async #pageAnswers(page: string): Promise<string | undefined> {
    const { status } = await this.#router.ask(page, { headers: { accept: '*/*' } })
    return status < 500 && status !== 404 ? undefined : `${page} answers ${status}`
  }

  async #follow(key: string, file: LogFile): Promise<void> {
    this.#log.abort()
    this.#log = new AbortController()
    const { signal } = this.#log
    const task = this.#model.get('task', key) as unknown as LoggedTask | undefined
    try {
      if (!task) throw new Failure('the task is not known any more')
      const log = new TaskLog(this.#router, task, file)
      const tell = (text: string) => {
        if (!signal.aborted) this.#tell({ type: 'log', task: key, file, text })
      }
      tell(await log.tail(firstLines))
      while (!signal.aborted) {
        await sleep(logInterval, undefined, { signal })
        const text = await log.more()
        if (text !== '') tell(text)
      }
    } catch (error) {
      if (isAbort(error) || signal.aborted) return
      this.#tell({ type: 'log-ended', task: key, detail: (error as Error).message })
    }
  }
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError'

const requestOf = ({ options, ...request }: PackageRequest) => ({
  ...request,
  ...(Object.keys(options).length > 0 ? { options } : {}),
})

function failed(action: Action, error: unknown): Event {
  const message = error instanceof Error ? error.message : String(error)
  const hint = error instanceof Failure ? error.hint : undefined
  if (action.type === 'describe')
    return { type: 'refused', name: action.name, asked: 'describe', message, errors: errorsOf(hint) }
  if (action.type === 'render' || action.type === 'install') {
    const { packageName } = action.request
    return { type: 'refused', name: packageName, asked: action.type, message, errors: errorsOf(hint) }
  }
  return { type: 'notice', text: hint ? `${message} (${hint.replace(/\s+/g, ' ')})` : message, bad: true }
}

/** The catalog's errors by the path of the option: lines of `/service/cpus: must be a number`. */
export const errorsOf = (hint: string | undefined): OptionError[] =>
  (hint ?? '').split('\n').flatMap(one => {
    const [, path, message] = /^\s*(\/[^:]*): (.*)$/.exec(one) ?? []
    return path === undefined ? [] : [{ path, message: message! }]
  })
