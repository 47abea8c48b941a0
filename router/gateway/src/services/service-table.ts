import { normalName } from './names.ts'

/** The part of Marathon's `app` feed that routing reads. */
export interface AppEntry {
  readonly id: string
  readonly labels?: Readonly<Record<string, string>>
  readonly networks?: readonly { readonly mode?: string }[]
  readonly portMappings?: readonly { readonly containerPort?: number }[]
}

/** The part of Marathon's `instance` feed that routing reads. */
export interface InstanceEntry {
  readonly id: string
  readonly appId: string
  readonly host?: string
  readonly state?: string
  readonly ports?: readonly number[]
  readonly ipAddresses?: readonly { readonly ipAddress?: string }[]
  readonly healthy?: boolean | null
  readonly killing?: boolean
}

/** The part of the master's `framework` feed that routing reads. */
export interface FrameworkEntry {
  readonly id: string
  readonly name: string
  readonly webui_url?: string | null
  readonly active?: boolean
}

/** One address that serves. */
export interface Backend {
  readonly id: string
  readonly host: string
  readonly port: number
}

/** Where a service is, and how requests to it are treated. */
export interface Service {
  readonly scheme: 'http' | 'https'
  readonly backends: readonly Backend[]
  /** Path of a framework's web address, put before the request's; empty mostly. */
  readonly basePath: string
  /** The upstream gets `/service/<name>/…` whole. */
  readonly keepPath: boolean
  /** Requests are streamed, and their answers may take long. */
  readonly streaming: boolean
  /** A cookie keeps a client on one backend. */
  readonly sticky: boolean
}

export type Lookup =
  | { readonly kind: 'found'; readonly service: Service }
  /** A framework with an empty web address: DNS knows where it is. */
  | { readonly kind: 'ask-dns' }
  /** An app of that name exists and can not be reached; the sentence says why. */
  | { readonly kind: 'unreachable'; readonly sentence: string }
  | { readonly kind: 'unknown' }

const labelNames = {
  name: 'DCOS_SERVICE_NAME',
  scheme: 'DCOS_SERVICE_SCHEME',
  index: 'DCOS_SERVICE_PORT_INDEX',
  rewrite: 'DCOS_SERVICE_REWRITE_REQUEST_URLS',
  buffering: 'DCOS_SERVICE_REQUEST_BUFFERING',
  sticky: 'DCOS_SERVICE_STICKY',
} as const

/**
 * Which service a name stands for (admin router contract, 2): apps by label first, then frameworks by id and by name.
 * Each change costs what it touches. One bad app never spoils the others.
 */
export class ServiceTable {
  readonly #apps = new Map<string, AppEntry>()
  readonly #appsByName = new Map<string, Set<string>>()
  /** What an app was last found to be, until it or an instance of it changes. */
  readonly #resolved = new Map<string, Lookup>()
  readonly #instances = new Map<string, InstanceEntry>()
  readonly #instancesByApp = new Map<string, Set<string>>()
  readonly #frameworks = new Map<string, FrameworkEntry>()
  readonly #frameworksByName = new Map<string, Set<string>>()

  putApp(app: AppEntry): void {
    this.deleteApp(app.id)
    this.#apps.set(app.id, app)
    const name = app.labels?.[labelNames.name]
    if (name) add(this.#appsByName, normalName(name), app.id)
  }

  deleteApp(id: string): void {
    const name = this.#apps.get(id)?.labels?.[labelNames.name]
    if (name) remove(this.#appsByName, normalName(name), id)
    this.#apps.delete(id)
    this.#resolved.delete(id)
  }

  putInstance(instance: InstanceEntry): void {
    this.#resolved.delete(instance.appId)
    this.#instances.set(instance.id, instance)
    add(this.#instancesByApp, instance.appId, instance.id)
  }

  deleteInstance(id: string): void {
    const known = this.#instances.get(id)
    if (known) {
      remove(this.#instancesByApp, known.appId, id)
      this.#resolved.delete(known.appId)
    }
    this.#instances.delete(id)
  }

  putFramework(framework: FrameworkEntry): void {
    this.deleteFramework(framework.id)
    this.#frameworks.set(framework.id, framework)
    add(this.#frameworksByName, normalName(framework.name), framework.id)
  }

  deleteFramework(id: string): void {
    const known = this.#frameworks.get(id)
    if (known) remove(this.#frameworksByName, normalName(known.name), id)
    this.#frameworks.delete(id)
  }

  /** The app that an instance belongs to. */
  appOf(instanceId: string): string | undefined {
    return this.#instances.get(instanceId)?.appId
  }

  /** Whether an app claims this name; for services that no app label may take, ask `framework` alone. */
  app(normal: string): Lookup {
    const ids = this.#appsByName.get(normal)
    if (!ids) return { kind: 'unknown' }
    let why: Lookup = { kind: 'unknown' }
    for (const id of [...ids].sort()) {
      const found = this.#resolved.get(id) ?? this.#resolve(this.#apps.get(id)!)
      this.#resolved.set(id, found)
      if (found.kind === 'found') return found
      why = found
    }
    return why
  }

  framework(normal: string): Lookup {
    const byId = this.#frameworks.get(normal)
    const named = [...(this.#frameworksByName.get(normal) ?? [])].map(id => this.#frameworks.get(id)!)
    // Of several with one name the active one is meant: a former one keeps its name until it is forgotten.
    const chosen = byId ?? named.find(({ active }) => active !== false) ?? named[0]
    if (chosen?.webui_url === undefined || chosen.webui_url === null) return { kind: 'unknown' }
    if (chosen.webui_url === '') return { kind: 'ask-dns' }
    return webAddress(chosen)
  }

  #resolve(app: AppEntry): Lookup {
    const labels = app.labels ?? {}
    const scheme = labels[labelNames.scheme]
    if (scheme !== 'http' && scheme !== 'https') {
      return unreachable(`app ${app.id} has no label ${labelNames.scheme} of http or https`)
    }
    const indexText = labels[labelNames.index]
    if (indexText === undefined || !/^\d{1,5}$/.test(indexText)) {
      return unreachable(`app ${app.id} has no label ${labelNames.index} with the number of a port`)
    }
    const index = Number(indexText)
    const running = [...(this.#instancesByApp.get(app.id) ?? [])]
      .map(id => this.#instances.get(id)!)
      .filter(({ state }) => state === 'TASK_RUNNING')
    if (running.length === 0) return unreachable(`app ${app.id} has no running instance`)
    const reachable = running.flatMap(instance => {
      const address = addressOf(app, instance, index)
      return address ? [{ instance, backend: { id: instance.id, ...address } }] : []
    })
    if (reachable.length === 0) return unreachable(`app ${app.id} has no port with index ${index}`)
    return {
      kind: 'found',
      service: {
        scheme,
        backends: preferred(reachable),
        basePath: '',
        keepPath: labels[labelNames.rewrite]?.toLowerCase() === 'false',
        streaming: labels[labelNames.buffering]?.toLowerCase() === 'false',
        sticky: labels[labelNames.sticky]?.toLowerCase() !== 'false',
      },
    }
  }
}

/** Healthy instances that stay, else those that stay and are not known to be ill, else whatever runs: some answer beats none. */
function preferred(reachable: readonly { readonly instance: InstanceEntry; readonly backend: Backend }[]): Backend[] {
  const staying = reachable.filter(({ instance }) => !instance.killing)
  const pool = staying.length > 0 ? staying : reachable
  const healthy = pool.filter(({ instance }) => instance.healthy === true)
  const notIll = pool.filter(({ instance }) => instance.healthy !== false)
  const chosen = healthy.length > 0 ? healthy : notIll.length > 0 ? notIll : pool
  return chosen.map(({ backend }) => backend)
}

function addressOf(app: AppEntry, instance: InstanceEntry, index: number): { host: string; port: number } | undefined {
  if (app.networks?.[0]?.mode === 'container') {
    const host = instance.ipAddresses?.[0]?.ipAddress
    const port = app.portMappings?.[index]?.containerPort || instance.ports?.[index]
    return host && port ? { host, port } : undefined
  }
  const port = instance.ports?.[index]
  return instance.host && port ? { host: instance.host, port } : undefined
}

function webAddress(framework: FrameworkEntry): Lookup {
  let url: URL
  try {
    url = new URL(framework.webui_url!)
  } catch {
    return unreachable(`framework ${framework.name} names no valid web address`)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return unreachable(`framework ${framework.name} names a web address that is neither http nor https`)
  }
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  const port = url.port ? Number(url.port) : scheme === 'http' ? 80 : 443
  return {
    kind: 'found',
    service: {
      scheme,
      backends: [{ id: framework.id, host: url.hostname.replace(/^\[|\]$/g, ''), port }],
      basePath: url.pathname.replace(/\/+$/, ''),
      keepPath: false,
      streaming: false,
      sticky: false,
    },
  }
}

const unreachable = (sentence: string): Lookup => ({ kind: 'unreachable', sentence })

function add(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key)
  if (values) values.add(value)
  else index.set(key, new Set([value]))
}

function remove(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key)
  values?.delete(value)
  if (values?.size === 0) index.delete(key)
}
