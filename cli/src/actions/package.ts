import type { JsonObject } from '@meseta/universe/render/json'
import { Catalog, type PackageDefinition, type SchemaError } from '../client/catalog.ts'
import type { ClusterOptions } from '../client/find-cluster.ts'
import { milliseconds, whole } from '../client/numbers.ts'
import { assignments, readObject } from '../client/options.ts'
import { Router } from '../client/router.ts'
import { ask } from '../output/ask.ts'
import { Failure } from '../output/failure.ts'
import { didYouMean } from '../output/nearest.ts'
import { note, printJson, printRows } from '../output/print.ts'

interface JsonOption extends ClusterOptions {
  readonly json: boolean
}

const cut = (text: string | undefined, width: number): string => {
  const line = (text ?? '').replace(/\s+/g, ' ').trim()
  return line.length > width ? `${line.slice(0, width - 3)}...` : line
}

export async function search(query: string | undefined, options: JsonOption): Promise<void> {
  const { packages } = await new Catalog(Router.find(options)).search(query)
  if (options.json) {
    printJson({ packages })
    return
  }
  if (packages.length === 0) {
    throw new Failure('no packages found', { hint: query ? `nothing matches "${query}"` : 'no repository has any' })
  }
  printRows(false, packages, ['name', 'version', 'certified', 'framework', 'description'], () =>
    packages.map(entry => [
      entry.name,
      entry.currentVersion,
      String(entry.selected ?? false),
      String(entry.framework ?? false),
      cut(entry.description, 80),
    ]),
  )
}

interface DescribeOptions extends ClusterOptions {
  readonly packageVersion?: string
  readonly packageVersions: boolean
  readonly config: boolean
  readonly app: boolean
  readonly render: boolean
  readonly options?: string
  readonly appId?: string
}

export async function describe(name: string, options: DescribeOptions): Promise<void> {
  const catalog = new Catalog(Router.find(options))
  const answer: unknown = await named(catalog, name, () => description(catalog, name, options))
  if (typeof answer === 'string') process.stdout.write(answer)
  else printJson(answer, 2)
}

/** What is asked of a package: JSON, or the text of its template. */
async function description(catalog: Catalog, name: string, options: DescribeOptions): Promise<unknown> {
  if (options.packageVersions) {
    const { results } = await catalog.versions(name)
    const newest = Object.entries(results).sort(([, a], [, b]) => Number(b) - Number(a))
    return newest.map(([version]) => version)
  }
  if (options.app && (options.render || options.options)) {
    const { marathonJson } = await catalog.render({
      packageName: name,
      ...(options.packageVersion ? { packageVersion: options.packageVersion } : {}),
      ...(options.options ? { options: await readObject(options.options) } : {}),
      ...(options.appId ? { appId: options.appId } : {}),
    })
    return marathonJson
  }
  const definition = await catalog.describe(name, options.packageVersion)
  if (options.config) return definition.config ?? {}
  return options.app ? templateOf(definition) : { package: definition }
}

/** A call about a package by its name. When there is no such package, names that may have been meant are said. */
async function named<Answer>(catalog: Catalog, name: string, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof Failure) || error.exit !== 'notFound') throw error
    const known = await catalog.search().then(
      ({ packages }) => packages.map(entry => entry.name),
      (): string[] => [],
    )
    if (known.includes(name)) throw error
    const hint = didYouMean(name, known) ?? error.hint ?? '`meseta package search` shows all'
    throw new Failure(error.message, { exit: 'notFound', hint })
  }
}

function templateOf(definition: PackageDefinition): string {
  const template = definition.marathon?.v2AppMustacheTemplate
  if (template === undefined) throw new Failure(`package [${definition.name}] has no app: it only adds commands`)
  return Buffer.from(template, 'base64').toString('utf8')
}

interface InstallOptions extends ClusterOptions {
  readonly packageVersion?: string
  readonly options?: string
  readonly set: readonly string[]
  readonly appId?: string
  readonly yes: boolean
  readonly wait: boolean
  readonly timeout: string
  readonly json: boolean
}

export async function install(name: string, options: InstallOptions): Promise<void> {
  const timeout = milliseconds(options.timeout)
  const userOptions = assignments(options.set, options.options ? await readObject(options.options) : {})
  const router = Router.find(options)
  const catalog = new Catalog(router)
  const definition = await named(catalog, name, () => catalog.describe(name, options.packageVersion))
  await confirm(definition, options.yes)
  note(`Installing Marathon app for package [${definition.name}] version [${definition.version}]`)
  const installed = await catalog.install({
    packageName: name,
    packageVersion: definition.version,
    ...(Object.keys(userOptions).length > 0 ? { options: userOptions } : {}),
    ...(options.appId ? { appId: options.appId } : {}),
  })
  if (installed.appId && options.wait) await follow(router, installed.appId, timeout, false)
  if (installed.postInstallNotes) note(installed.postInstallNotes)
  if (options.json) printJson(installed)
}

async function confirm(definition: PackageDefinition, yes: boolean): Promise<void> {
  if (!definition.selected)
    note('This is a Community service. Community services are not tested for production environments.')
  for (const { url } of definition.licenses ?? []) note(`By Deploying, you agree to the Terms and Conditions ${url}`)
  if (definition.preInstallNotes) note(definition.preInstallNotes)
  if (yes) return
  const answer = (await ask('Continue installing? [yes/no] ', '--yes installs without asking')).toLowerCase()
  if (!['', 'y', 'yes'].includes(answer)) throw new Failure("couldn't get confirmation")
}

async function follow(router: Router, appId: string, timeout: number, gone: boolean): Promise<void> {
  const { followApp } = await import('../client/follow-app.ts')
  await followApp({ router: router.url, appId, gone, timeout, progress: note })
}

interface ListOptions extends JsonOption {
  readonly appId?: string
}

export async function list(part: string | undefined, options: ListOptions): Promise<void> {
  const { packages } = await new Catalog(Router.find(options)).list(options.appId ? { appId: options.appId } : {})
  const rows = packages
    .map(({ appId, packageInformation: { packageDefinition } }) => ({ appId, ...packageDefinition }))
    .filter(({ name, appId }) => part === undefined || name.includes(part) || appId.includes(part))
  if (!options.json && rows.length === 0) throw new Failure('cannot find packages matching the provided filter')
  printRows(
    options.json,
    rows.map(({ appId, ...rest }) => ({ ...rest, apps: [appId] })),
    ['name', 'version', 'certified', 'app', 'command', 'description'],
    () =>
      rows.map(row => [
        row.name,
        row.version,
        String(row.selected ?? false),
        row.appId,
        '---',
        cut(row.description, 70),
      ]),
  )
}

interface UninstallOptions extends ClusterOptions {
  readonly appId?: string
  readonly all: boolean
  readonly yes: boolean
  readonly wait: boolean
  readonly timeout: string
  readonly json: boolean
}

export async function uninstall(name: string, options: UninstallOptions): Promise<void> {
  const timeout = milliseconds(options.timeout)
  const router = Router.find(options)
  if (!options.yes) await confirmUninstall(name, options)
  const { results } = await new Catalog(router).uninstall({
    packageName: name,
    ...(options.appId ? { appId: options.appId } : {}),
    ...(options.all ? { all: true } : {}),
  })
  for (const result of results) {
    if (options.wait) await follow(router, result.appId, timeout, true)
    note(
      `Uninstalled package [${result.packageName}]${result.packageVersion ? ` version [${result.packageVersion}]` : ''}`,
    )
    if (result.postUninstallNotes) note(result.postUninstallNotes)
  }
  if (options.json) printJson({ results })
}

const mostTries = 3

/** What is to be lost is typed out: a wrong name is asked for again, and in the end nothing is done. */
async function confirmUninstall(name: string, options: UninstallOptions): Promise<void> {
  note(`WARNING: this ends ${options.appId ?? name} and deletes what its tasks have stored.`)
  const [wanted, what] = options.all
    ? [`uninstall all ${name}`, `'uninstall all ${name}'`]
    : options.appId
      ? [options.appId, 'the full name of the app ID']
      : [name, 'the name of the service']
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const answer = await ask(`Please type ${what} to confirm: `, '--yes uninstalls without asking')
    if (answer === wanted) return
    note(`"${answer}" is not "${wanted}"`)
  }
  throw new Failure('cancelling uninstall')
}

interface RenderOptions {
  readonly from: string
  readonly release?: string
  readonly options?: string
  readonly set: readonly string[]
  readonly appId?: string
}

/** Renders a package from a repository folder; no cluster is needed. */
export async function render(name: string, options: RenderOptions): Promise<void> {
  const [{ renderFrom }, { parseJson }] = await Promise.all([
    import('@meseta/universe/render-from'),
    import('@meseta/universe/render/json'),
  ])
  const release = options.release === undefined ? undefined : whole(options.release, '--release', 0)
  // Read with the catalog's own reader: integers above 2^53 keep their digits.
  const fromFile = options.options ? await readObject(options.options, parseJson) : {}
  const userOptions = assignments(options.set, fromFile) as JsonObject
  try {
    const rendered = await renderFrom({
      folder: options.from,
      name,
      ...(release === undefined ? {} : { release }),
      ...(Object.keys(userOptions).length > 0 ? { options: userOptions } : {}),
      ...(options.appId ? { appId: options.appId } : {}),
    })
    printJson(rendered)
  } catch (error) {
    throw await renderFailure(error, options.from, name)
  }
}

/** What the package or the options lack, with every option that the schema refuses, or packages that may have been meant. */
async function renderFailure(error: unknown, folder: string, wanted: string): Promise<unknown> {
  const { name, message, type, data } = error as {
    name?: string
    message: string
    type?: string
    data?: { errors?: SchemaError[] }
  }
  if (name !== 'CatalogError' && name !== 'DirectoryProblem') return error
  const hint = (data?.errors ?? [])
    .map(({ instance, message: text }) => `${instance?.pointer || '/'}: ${text ?? 'is refused'}`)
    .join('\n      ')
  if (type === 'PackageNotFound') {
    const { readDirectory } = await import('@meseta/universe/formats/directory')
    const { packages } = await readDirectory(folder, { strict: false })
    const near = didYouMean(wanted, [...new Set(packages.map(one => one.name))])
    return new Failure(message, { exit: 'notFound', ...(near ? { hint: near } : {}) })
  }
  return new Failure(message, {
    exit: /NotFound$/.test(type ?? '') ? 'notFound' : 'failure',
    ...(hint ? { hint } : {}),
  })
}

export async function repositories(options: JsonOption): Promise<void> {
  const answer = await new Catalog(Router.find(options)).repositories()
  if (options.json) printJson(answer)
  else for (const { name, uri } of answer.repositories) process.stdout.write(`${name}: ${uri}\n`)
}

export async function addRepository(
  name: string,
  uri: string,
  options: JsonOption & { index?: string },
): Promise<void> {
  const index = options.index === undefined ? {} : { index: whole(options.index, '--index', 0) }
  const answer = await new Catalog(Router.find(options)).addRepository({ name, uri, ...index })
  if (options.json) printJson(answer)
}

export async function removeRepositories(names: readonly string[], options: JsonOption): Promise<void> {
  const catalog = new Catalog(Router.find(options))
  let answer: object | undefined
  for (const name of names) answer = await catalog.removeRepository(name)
  if (options.json) printJson(answer)
}
