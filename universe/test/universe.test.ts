import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Collection } from '../src/catalog/collection.ts'
import { search } from '../src/catalog/search.ts'
import { downgradesTo, upgradesTo } from '../src/catalog/upgrades.ts'
import { readDirectory } from '../src/formats/directory.ts'
import { readRepositoryJson } from '../src/formats/repository-json.ts'
import type { CatalogError } from '../src/problems.ts'
import { type Json, type JsonObject, parseJson, stringifyJson } from '../src/render/json.ts'
import { label } from '../src/render/labels.ts'
import { numberText } from '../src/render/numbers.ts'
import { merge } from '../src/render/options.ts'
import type { PackageDefinition } from '../src/render/package.ts'
import { renderPackage, resolveOptions } from '../src/render/render.ts'
import { renderFrom } from '../src/render-from.ts'
import { problem } from './problem.ts'
import { mendingOptions, universeFolder } from './real.ts'

const mustache = createRequire(import.meta.url)('mustache') as {
  render(template: string, view: unknown, partials: object, config: object): string
}

/**
 * The reference: npm mustache's own renderer over wrapped values, which the catalog contract found to equal Cosmos's on all
 * templates. It shares the parser with ours, and nothing else.
 */
function reference(template: string, context: JsonObject): string {
  return mustache.render(template, wrapped(context, false), {}, { escape: String })
}

function wrapped(value: Json | undefined, element: boolean): unknown {
  if (typeof value === 'string') return element ? JSON.stringify(value) : JSON.stringify(value).slice(1, -1)
  if (typeof value === 'number') return { toString: () => numberText(value) }
  if (Array.isArray(value)) {
    const items = value.map(item => wrapped(item as Json, true))
    const text = `[${items.map(item => (item === null ? 'null' : String(item))).join(', ')}]`
    return Object.assign(items, { toString: () => text, isEmpty: items.length === 0, size: items.length })
  }
  if (typeof value !== 'object' || value === null) return value
  if ('rawJSON' in value) return { toString: () => numberText(value as { rawJSON: string }) }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, wrapped(item as Json, false)]))
}

const titleOf = ({ name, releaseVersion }: PackageDefinition) => `${name} ${releaseVersion}`

t.test('the real packages', async t => {
  const { packages, skipped } = await readDirectory(universeFolder, { strict: true })
  t.same(skipped, [])
  t.equal(packages.length, 52)
  t.equal(new Set(packages.map(one => one.name)).size, 30)

  await t.test('each renders, with valid options where its defaults are not', async t => {
    const failing: string[] = []
    const needing: string[] = []
    const without: string[] = []
    for (const definition of packages) {
      const title = titleOf(definition)
      const options = mendingOptions(definition.config ?? {})
      if (Object.keys(options).length > 0) needing.push(title)
      try {
        const app = renderPackage({ definition, source: 'file:universe', options })
        if (app === undefined) without.push(title)
        else compare(t, definition, options, app)
      } catch (error) {
        failing.push(`${title}: ${(error as CatalogError).type}`)
      }
    }
    t.same(failing, ['linkerd 10: JsonParsingError'])
    t.same(without, ['dcos-enterprise-cli 1301'])
    t.same(needing, ['gitlab 5', 'gitlab 6'])
  })

  await t.test('what needs options says which', async t => {
    for (const definition of packages.filter(one => one.name === 'gitlab')) {
      t.throws(() => renderPackage({ definition, source: 'x' }), problem('JsonSchemaMismatch', 400))
    }
  })

  await t.test('numbers beyond doubles keep their digits', async t => {
    const kafka = packages.find(one => one.name === 'kafka')!
    const text = stringifyJson(renderPackage({ definition: kafka, source: 'x' })!)
    t.match(text, `17976931348623157${'0'.repeat(292)}`)
    t.match(text, '9223372036854775807')
    t.match(stringifyJson(kafka.config!), '9223372036854775807')
  })

  await t.test('a repository that serves them is read as the folder is, and versions compare by release', async t => {
    const served = readRepositoryJson(stringifyJson({ packages }))
    t.equal(served.skipped.length, 0)
    t.same(stringifyJson(served.packages as unknown as Json), stringifyJson(packages as unknown as Json))
    const collection = new Collection([{ uri: 'u', packages: served.packages }])
    t.equal(collection.find('linkerd')?.definition.releaseVersion, 12)
    t.equal(collection.names.length, 30)
    const selected = search(collection)
    t.ok(selected[0]!.selected, 'certified ones first')
    t.equal(search(collection, 'cassand').length, 1)
    t.same(
      search(collection, 'ka*ka').map(entry => entry.name),
      ['confluent-connect', 'kafka'],
    )
    t.same(search(collection, 'CASSANDRA*'), [])
    t.ok(search(collection, 'CASSANDRA').length >= 1)
    t.same(search(collection, 'no such thing'), [])
    const cassandra = collection.find('cassandra')!.definition
    t.same(upgradesTo(collection, { name: 'cassandra', version: '2.8.0-3.11.5' }), ['2.10.0-3.11.6', '2.9.0-3.11.6'])
    t.same(upgradesTo(collection, { name: 'cassandra', version: '0.0.1' }), [])
    t.same(downgradesTo(collection, { ...cassandra, downgradesTo: ['*'] }), ['2.10.0-3.11.6', '2.9.0-3.11.6'])
  })
})

function compare(t: Test, definition: PackageDefinition, options: JsonObject, app: JsonObject): void {
  const template = Buffer.from(definition.marathon!.v2AppMustacheTemplate, 'base64').toString()
  const { assets = null, images = null, cli = null } = definition.resource ?? {}
  const resource: JsonObject = definition.packagingVersion === '2.0' ? { assets, images } : { assets, images, cli }
  const context = merge(resolveOptions(definition, options), { resource })
  const expected = parseJson(reference(template, context)) as JsonObject
  const ours = { ...app, labels: withoutOurs(app.labels as JsonObject) }
  t.same(ours, { ...expected, labels: withoutOurs((expected.labels ?? {}) as JsonObject) }, titleOf(definition))
}

function withoutOurs(labels: JsonObject): JsonObject {
  const own = new Set<string>([label.name, label.version, label.source, label.options, label.definition])
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !own.has(name)))
}

t.test('repositories merge: the first wins, within one the highest release', async t => {
  const one = (name: string, version: string, releaseVersion: number, description: string): PackageDefinition => ({
    packagingVersion: '3.0',
    name,
    version,
    releaseVersion,
    maintainer: 'm',
    description,
    tags: ['tag'],
  })
  const collection = new Collection([
    { uri: 'a', packages: [one('x', '1.0', 1, 'a1'), one('x', '1.0', 2, 'a2'), one('b', '1', 0, 'b')] },
    { uri: 'b', packages: [one('x', '1.0', 9, 'b9'), one('x', '2.0', 10, 'b10')] },
  ])
  t.same(
    collection.entries.map(({ definition, source }) => [
      definition.name,
      definition.version,
      definition.description,
      source,
    ]),
    [
      ['b', '1', 'b', 'a'],
      ['x', '1.0', 'a2', 'a'],
      ['x', '2.0', 'b10', 'b'],
    ],
  )
  t.equal(collection.find('x')?.definition.version, '1.0', 'the latest is of the first repository')
  t.equal(collection.find('x', '2.0')?.source, 'b')
  t.equal(collection.find('constructor'), undefined)
  t.same(search(collection, '*tag')[0]?.versions, { '1': 0 })
  t.same(search(collection, `${'*a'.repeat(5000)}*`), [], 'a glob costs no more than its length')
})

t.test('rendering from a folder', async t => {
  const app = await renderFrom({ folder: universeFolder, name: 'marathon-lb', release: 44, appId: 'lb' })
  t.match(app, { id: '/lb', labels: { DCOS_PACKAGE_VERSION: '1.14.2' } })
  t.match(await renderFrom({ folder: universeFolder, name: 'marathon-lb' }), {
    labels: { DCOS_PACKAGE_VERSION: '1.15.0' },
  })
  const same = await renderFrom({
    folder: join(universeFolder, 'repo'),
    name: 'redis',
    options: { service: { name: 'r' } },
  })
  t.match(same, { labels: { DCOS_PACKAGE_NAME: 'redis' } })
  await t.rejects(renderFrom({ folder: universeFolder, name: 'nothing' }), problem('PackageNotFound'))
  await t.rejects(renderFrom({ folder: universeFolder, name: 'redis', release: 9 }), problem('VersionNotFound'))
  await t.rejects(renderFrom({ folder: universeFolder, name: '../..' }), problem('PackageNotFound'))
  await t.rejects(
    renderFrom({ folder: universeFolder, name: 'dcos-enterprise-cli' }),
    problem('ServiceMarathonTemplateNotFound'),
  )
  await t.rejects(renderFrom({ folder: '/nowhere', name: 'redis' }), { name: 'DirectoryProblem' })
})

t.test('a broken release is left out and named, and breaks nothing beside it', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'meseta-universe-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const base = { packagingVersion: '4.0', version: '1', maintainer: 'm', description: 'd', tags: [] }
  const write = async (name: string, release: string, files: Record<string, unknown>) => {
    const path = join(folder, name, release)
    await mkdir(path, { recursive: true })
    for (const [file, content] of Object.entries(files)) {
      await writeFile(join(path, file), typeof content === 'string' ? content : JSON.stringify(content))
    }
  }
  await write('good', '0', { 'package.json': { ...base, name: 'good' }, 'NOTES.txt': 'ignored' })
  await write('bad-json', '0', { 'package.json': '{' })
  await write('bad-name', '0', { 'package.json': { ...base, name: 'other' } })
  await write('bad-tag', '3', { 'package.json': { ...base, name: 'bad-tag', tags: ['a b'] } })
  await write('bad-command', '0', { 'package.json': { ...base, name: 'bad-command' }, 'command.json': { pip: [] } })
  await write('bad-two', '0', { 'package.json': { ...base, name: 'bad-two', packagingVersion: '2.0' } })
  await write('bad-cli', '0', {
    'package.json': { ...base, name: 'bad-cli' },
    'resource.json': { cli: { binaries: { linux: { 'x86-64': { kind: 'zip', url: 'u', contentHash: [] } } } } },
  })
  await write('extra', '0', { 'package.json': { ...base, name: 'extra', colour: 'red' } })
  const loose = await readDirectory(folder, { strict: false })
  t.same(
    loose.packages.map(one => one.name),
    ['extra', 'good'],
  )
  t.notOk('colour' in loose.packages[0]!, 'unknown members are left out')
  t.same(Object.fromEntries(loose.skipped.map(one => [one.release, one.reason])), {
    'bad-cli/0': 'resource.json.cli.binaries.linux.x86-64.contentHash: must have at least 1 element(s)',
    'bad-command/0': 'command.json: is not part of packaging version 4.0',
    'bad-json/0': "package.json: is not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
    'bad-name/0': 'package.json.name: must be the name of its folder, bad-name',
    'bad-tag/3': 'package.json.tags[0]: must be a word without blanks',
    'bad-two/0': 'marathon.json.mustache: is required in packaging version 2.0',
  })
  const strict = await readDirectory(folder, { strict: true })
  t.ok(strict.skipped.some(one => one.reason === 'package.json.colour: is not a known member'))
})

t.test('a repository of countless small parts is refused before it is read', async t => {
  const of = (part: string, count: number) => `{"packages":[],"x":[${part.repeat(count)}0]}`
  t.same(readRepositoryJson(of('0,', 100_000)), { packages: [], skipped: [] })
  for (const part of ['{},', '[],', '0,', '"",']) {
    const message = /has more than 4000000 parts/
    t.throws(() => readRepositoryJson(of(part, 4_000_000)), { name: 'FormatProblem', message }, part)
  }
})
