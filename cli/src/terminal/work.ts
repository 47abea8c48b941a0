import { Catalog } from '../client/catalog.ts'
import { idPath, Marathon } from '../client/marathon.ts'
import { Router } from '../client/router.ts'
import { type LoggedTask, TaskLog } from '../client/task-log.ts'
import { Failure } from '../output/failure.ts'
import type { Model } from './model.ts'
import type { Action, Event } from './state.ts'

/** How often a log that is shown is looked at: the files API has no stream. */
const followInterval = 300
const firstLines = 500

/** Does what the screen asks for, and tells what came of it. */
export class Worker {
  readonly #router: Router
  readonly #catalog: Catalog
  readonly #marathon: Marathon
  readonly #model: Model
  readonly #tell: (event: Event) => void
  #log: { stop(): void } | undefined

  constructor(router: string, model: Model, tell: (event: Event) => void) {
    this.#router = new Router(router)
    this.#catalog = new Catalog(this.#router)
    this.#marathon = new Marathon(this.#router)
    this.#model = model
    this.#tell = tell
  }

  async perform(action: Action): Promise<void> {
    try {
      await this.#do(action)
    } catch (error) {
      const hint = error instanceof Failure ? (error.hint ?? '') : ''
      this.#tell({ type: 'failed', message: error instanceof Error ? error.message : String(error), hint })
    }
  }

  stop(): void {
    this.#log?.stop()
  }

  async #do(action: Action): Promise<void> {
    switch (action.type) {
      case 'describe': {
        const { name, version, config, preInstallNotes } = await this.#catalog.describe(action.name)
        this.#tell({ type: 'described', name, version, config, notes: preInstallNotes ?? '' })
        break
      }
      case 'render': {
        const { name, version, options } = action
        const { marathonJson } = await this.#catalog.render({
          packageName: name,
          packageVersion: version,
          ...withOptions(options),
        })
        this.#tell({ type: 'rendered', lines: planLines(marathonJson) })
        break
      }
      case 'install': {
        const { name, version, options } = action
        const { appId } = await this.#catalog.install({
          packageName: name,
          packageVersion: version,
          ...withOptions(options),
        })
        this.#tell({ type: 'installed', appId, at: Date.now() })
        break
      }
      case 'uninstall':
        await this.#catalog.uninstall({ packageName: action.name, appId: action.appId })
        this.#tell({ type: 'done', message: `${action.name} is being removed` })
        break
      case 'scale':
        await this.#marathon.change('PUT', `/v2/apps${idPath(action.id)}`, { instances: action.instances })
        this.#tell({ type: 'done', message: `${action.id} is being scaled to ${action.instances}` })
        break
      case 'restart':
        await this.#marathon.change('POST', `/v2/apps${idPath(action.id)}/restart`, {})
        this.#tell({ type: 'done', message: `${action.id} is being restarted` })
        break
      case 'remove':
        await this.#marathon.change('DELETE', `/v2/apps${idPath(action.id)}`)
        this.#tell({ type: 'done', message: `${action.id} is being deleted` })
        break
      case 'open-log':
        await this.#follow(action.key, action.file)
        break
      case 'close-log':
        this.#log?.stop()
        break
      case 'quit':
        break
    }
  }

  async #follow(key: string, file: string): Promise<void> {
    this.#log?.stop()
    const task = this.#model.get('task', key) as unknown as LoggedTask | undefined
    if (!task) throw new Failure(`the task ${key} is not known any more`)
    const log = new TaskLog(this.#router, task, file)
    let over = false
    this.#log = {
      stop: () => {
        over = true
      },
    }
    this.#tell({ type: 'log', text: await log.tail(firstLines) })
    while (!over) {
      await new Promise(resolve => setTimeout(resolve, followInterval))
      if (over) return
      const text = await log.more()
      if (text !== '' && !over) this.#tell({ type: 'log', text })
    }
  }
}

const withOptions = (options: Record<string, unknown>) => (Object.keys(options).length > 0 ? { options } : {})

interface RenderedApp {
  readonly id?: string
  readonly instances?: number
  readonly cpus?: number
  readonly mem?: number
  readonly disk?: number
  readonly apps?: readonly RenderedApp[]
  readonly portDefinitions?: readonly { readonly name?: string; readonly labels?: Readonly<Record<string, string>> }[]
  readonly labels?: Readonly<Record<string, string>>
}

/** What a rendered app will take and offer. */
function planLines(rendered: unknown): string[] {
  const app = rendered as RenderedApp
  if (app.apps)
    return [`group ${app.id ?? ''}`, ...app.apps.flatMap(child => planLines(child).map(line => `  ${line}`))]
  const instances = app.instances ?? 1
  const vips = (app.portDefinitions ?? []).flatMap(({ labels }) =>
    Object.entries(labels ?? {}).flatMap(([name, value]) => (/^vip/i.test(name) ? [value] : [])),
  )
  const service = app.labels?.DCOS_SERVICE_NAME
  return [
    `app ${app.id ?? ''}`,
    `  ${instances} instance${instances === 1 ? '' : 's'}, each with ${app.cpus ?? 1} cpus, ${app.mem ?? 128} MiB memory, ${app.disk ?? 0} MiB disk`,
    ...(app.portDefinitions?.length
      ? [`  ports: ${app.portDefinitions.map(({ name }) => name ?? 'unnamed').join(', ')}`]
      : []),
    ...(vips.length > 0 ? [`  virtual IPs: ${vips.join(', ')}`] : []),
    ...(service ? [`  page: /service/${service}/`] : []),
  ]
}
