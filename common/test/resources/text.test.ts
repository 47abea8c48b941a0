import t from 'tap'
import { legacyAttributes, legacyReservations, legacyResources } from '../../src/resources/legacy.ts'
import { Resources } from '../../src/resources/resources.ts'
import { formatResources, parseAttributes, parseResources } from '../../src/resources/text.ts'

const of = (text: string) => Resources.from(parseResources(text))

t.test('resources as text (contract 6.2)', async t => {
  const text = 'cpus:4;mem:1024;disk:2048;ports:[31000-32000];bugs(dev):{a,b}'
  t.strictSame(parseResources(text), [
    { name: 'cpus', type: 'SCALAR', scalar: { value: 4 } },
    { name: 'mem', type: 'SCALAR', scalar: { value: 1024 } },
    { name: 'disk', type: 'SCALAR', scalar: { value: 2048 } },
    { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31000, end: 32000 }] } },
    { name: 'bugs', type: 'SET', reservations: [{ type: 'STATIC', role: 'dev' }], set: { item: ['a', 'b'] } },
  ])
  t.equal(formatResources(parseResources(text)), text)
  t.strictSame(
    parseResources(' cpus : 12.5 ; ports: [1-5, 8-9] ;; x(*):{a, b};'),
    parseResources('cpus:12.5;ports:[1-5,8-9];x:{a,b}'),
  )
  t.strictSame(parseResources(''), [])
  t.strictSame(parseResources('gpus:0'), [{ name: 'gpus', type: 'SCALAR', scalar: { value: 0 } }], 'a 0 that was said')
  t.ok(of('cpus:1;cpus:2;cpus(a):3').equals(of('cpus:3;cpus(a):3')))
  t.strictSame(
    parseResources('[{"name":"cpus","type":"SCALAR","scalar":{"value":"2"},"role":"a"}]'),
    [{ name: 'cpus', type: 'SCALAR', scalar: { value: 2 }, reservations: [{ type: 'STATIC', role: 'a' }] }],
    'a JSON array too, in either format',
  )
})

t.test('what is wrong is named by its piece', async t => {
  const rows: [text: string, path: string, reason: RegExp][] = [
    ['cpus:1;mem', 'mem', /no ':'/],
    ['cpus:1;:5', ':5', /no name/],
    ['cpus:', 'cpus:', /no value/],
    ['cpus:many', 'cpus:many', /no number/],
    ['cpus:0.00001', 'cpus:0.00001', /smallest amount/],
    ['cpus:-1', 'cpus:-1', /negative/],
    ['cpus:1e400', 'cpus:1e400', /no amount/],
    ['cpus:0x10', 'cpus:0x10', /no number/],
    ['ports:[5-1]', 'ports:[5-1]', /begins after/],
    ['ports:[5]', 'ports:[5]', /begin-end/],
    ['ports:[]', 'ports:[]', /nothing/],
    ['ports:[1-2,]', 'ports:[1-2,]', /nothing/],
    ['ports:(1-2)', 'ports:(1-2)', /brackets/],
    ['ports:[1-2', 'ports:[1-2', /brackets/],
    ['ports:{1-2]', 'ports:{1-2]', /brackets/],
    ['x:{a,a}', 'x:{a,a}', /twice/],
    ['cpus(a:1', 'cpus(a:1', /form name/],
    ['cpus(a)(b):1', 'cpus(a)(b):1', /form name/],
    ['cpus(-a):1', 'cpus(-a):1', /starts with '-'/],
    ['cpus():1', 'cpus():1', /empty/],
    ['cpus:1;cpus(a):{x}', 'cpus(a):{x}', /type SCALAR in one place and SET/],
    ['[{"name":"cpus"}]', '[0].type', /required/],
    ['[{"name":"cpus","type":"SCALAR","scalar":{"value":-1}}]', '[0]', /negative/],
    ['[5]', '[0]', /object/],
    ['[', '', /not JSON/],
  ]
  for (const [text, path, reason] of rows)
    t.throws(() => parseResources(text), { name: 'BadMessage', path, reason }, text)
})

t.test('attributes', async t => {
  t.strictSame(parseAttributes('rack:2;u:[1-5];z:{a,b};os:linux;url:http://x:1/y;below:-3.5'), [
    { name: 'rack', type: 'SCALAR', scalar: { value: 2 } },
    { name: 'u', type: 'RANGES', ranges: { range: [{ begin: 1, end: 5 }] } },
    { name: 'z', type: 'SET', set: { item: ['a', 'b'] } },
    { name: 'os', type: 'TEXT', text: { value: 'linux' } },
    { name: 'url', type: 'TEXT', text: { value: 'http://x:1/y' } },
    { name: 'below', type: 'SCALAR', scalar: { value: -3.5 } },
  ])
  t.throws(() => parseAttributes('rack'), { name: 'BadMessage', path: 'rack' })
  t.throws(() => parseAttributes('rack:[x]'), { name: 'BadMessage', path: 'rack:[x]' })
  t.strictSame(
    { ...legacyAttributes(parseAttributes('rack:2;u:[1-5,8-8];z:{a,b};os:linux;__proto__:x')) },
    JSON.parse('{"rack":2,"u":"[1-5, 8-8]","z":"{a, b}","os":"linux","__proto__":"x"}'),
  )
})

t.test('the object form of the older endpoints (contract 4.1)', async t => {
  t.strictSame({ ...legacyResources(Resources.empty) }, { cpus: 0, gpus: 0, mem: 0, disk: 0 })
  const bag = of('cpus:1.5;cpus(a):1;mem:32;ports:[31000-31001,31003-31003];bugs:{b,a};bugs(a):{c};widgets:2').plus(
    Resources.from([{ name: 'cpus', type: 'SCALAR', scalar: { value: 3 }, revocable: {} }]),
  )
  t.strictSame(
    { ...legacyResources(bag) },
    {
      cpus: 2.5,
      gpus: 0,
      mem: 32,
      disk: 0,
      ports: '[31000-31001, 31003-31003]',
      bugs: '{a, b, c}',
      widgets: 2,
      cpus_revocable: 3,
    },
  )
  t.equal(JSON.stringify(legacyReservations(bag)), '{"a":{"cpus":1,"gpus":0,"mem":0,"disk":0,"bugs":"{c}"}}')
})

t.test('text says of the others what they are', async t => {
  const resources = Resources.from([
    {
      name: 'disk',
      type: 'SCALAR',
      scalar: { value: 5 },
      reservations: [{ type: 'DYNAMIC', role: 'a' }],
      disk: { persistence: { id: 'v' }, source: { type: 'PATH', path: { root: '/d' } } },
      shared: {},
    },
  ])
  t.equal(formatResources(resources), 'disk(dynamic a, volume v, PATH /d, shared):5')
  t.throws(() => parseResources(formatResources(resources)), { name: 'BadMessage' })
})
