import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { meseta } from './support/command.ts'

const universe = fileURLToPath(new URL('../../test/data/universe', import.meta.url))
const builtIn = fileURLToPath(new URL('../../universe/packages', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'meseta-render-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const options = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const render = (args: readonly string[], input?: string) =>
  meseta(['package', 'render', ...args], input === undefined ? {} : { input })
const volumes = options('gitlab.json', '{"single-node":{"local-volumes":{"host-volume":"/data"}}}')

/** Every release of six packages: what the app is, or why there is none. */
const rows: [words: string, expected: { id: string; [field: string]: unknown } | { code: number; stderr: RegExp }][] = [
  [
    'cassandra --release 900',
    { id: 'cassandra', cpus: 1, mem: 1024, instances: 1, labels: { DCOS_PACKAGE_VERSION: '2.9.0-3.11.6' } },
  ],
  [
    'cassandra --release 1000',
    { id: 'cassandra', cpus: 1, mem: 1024, labels: { DCOS_PACKAGE_VERSION: '2.10.0-3.11.6' } },
  ],
  ['linkerd --release 10', { code: 1, stderr: /^Error: The rendered Marathon template is not JSON: / }],
  ['linkerd --release 11', { id: 'linkerd', container: { docker: { image: 'buoyantio/linkerd:1.0.0' } } }],
  ['linkerd --release 12', { id: 'linkerd', container: { docker: { image: 'buoyantio/linkerd:1.4.6' } } }],
  ['linkerd', { id: 'linkerd', container: { docker: { image: 'buoyantio/linkerd:1.4.6' } } }],
  [
    'dcos-enterprise-cli --release 1301',
    { code: 3, stderr: /has no Marathon template: it brings only a command line\n$/ },
  ],
  ['gitlab --release 5', { code: 1, stderr: /Options JSON failed validation\nhint: \/single-node: .*local-volumes/ }],
  ['gitlab --release 6', { code: 1, stderr: /Options JSON failed validation\nhint: \/single-node: .*local-volumes/ }],
  [`gitlab --release 6 --options ${volumes}`, { id: 'gitlab' }],
  ['gitlab --release 5 --set single-node.local-volumes={}', { id: 'gitlab' }],
  [
    'wordpress --release 1',
    { id: 'wordpress', cpus: 0.5, mem: 512, container: { docker: { image: 'wordpress:4.5.3-apache' } } },
  ],
  ['spark --release 1100 --app-id /data/spark', { id: '/data/spark', cpus: 1, mem: 1024 }],
  ['spark --set service.mem=lots', { code: 1, stderr: /Options JSON failed validation\nhint: \/service\/mem: / }],
  ['spark --release 7', { code: 3, stderr: /Version \[release 7\] of package \[spark\] not found/ }],
  ['spark --release=-1', { code: 2, stderr: /--release takes a whole number from 0, not "-1"/ }],
  ['sparkk', { code: 3, stderr: /^Error: Package \[sparkk\] not found\nDid you mean "spark"\?\n$/ }],
]

t.test('releases of the Universe render, or fail for the reason they have', async t => {
  const left = [...rows]
  const work = async () => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) {
      const [words, expected] = row
      const ran = await render([...words.split(' '), '--from', universe])
      if ('code' in expected) t.match({ ...ran }, { ...expected, stdout: '' }, words)
      else {
        t.same([ran.code, ran.stderr], [0, ''], words)
        t.match(JSON.parse(ran.stdout || '{}'), expected, words)
      }
    }
  }
  await Promise.all([work(), work()])
})

t.test('options come from standard input and from words, which count more; no digit is lost', async t => {
  const args = ['web-demo', '--from', builtIn, '--options', '-', '--json']
  const { code, stdout, stderr } = await render(
    [...args, '--set', 'service.instances=3'],
    '{"service":{"instances":2,"name":"pages"}}',
  )
  t.same([code, stderr], [0, ''])
  t.match(JSON.parse(stdout), { id: 'pages', instances: 3 })
  const many = await render([...args], '{"service":{"instances":9223372036854775807}}')
  t.match(`${many.stdout}${many.stderr}`, /9223372036854775807|service\/instances/)
  t.match(await render(args, '{"service":'), { code: 1, stderr: /error loading JSON/ })
  t.match(await render(args, '[]'), { code: 1, stderr: /an object is wanted/ })
})

t.test('a folder that is no repository is named', async t => {
  t.match(await render(['x', '--from', join(folder, 'none')]), {
    code: 1,
    stderr: /none: is not a folder that can be read/,
  })
  t.match(await render(['x', '--from', folder]), { code: 3, stderr: /Package \[x\] not found/ })
})
