import { BadMessage, encode, fromJson, stringify } from '@meseta/common/protocol/codec'
import type { MessageName } from '@meseta/common/protocol/mesos'
import { encodeRecord } from '@meseta/common/protocol/recordio'
import { type Draw, drawFrom, mutateBytes, mutateJson } from '@meseta/common/sim/hostile'
import t, { type Test } from 'tap'
import { type Living, olderRequests, operatorCalls, schedulerCalls } from '../src/fuzz/calls.ts'
import { FuzzGround, type FuzzRequest } from '../src/fuzz/ground.ts'

// Everything that anybody can send to a leading master, made from what is valid. MESETA_SEED=… tries others.
const seed = Number(process.env.MESETA_SEED ?? 1)
const timeout = 580_000
t.setTimeout(590_000)
t.comment(`MESETA_SEED=${seed}`)

/** Requests that are under way together. */
const together = 200

/** Sends so many requests; anything but an answer below 500, or 501 for what is not built, fails. */
async function bombard(
  test: Test,
  ground: FuzzGround,
  count: number,
  request: (draw: Draw, living: Living) => FuzzRequest,
): Promise<void> {
  const statuses: Record<number, number> = {}
  const broken: string[] = []
  for (let first = 0; first < count && broken.length === 0; first += together) {
    const living = await ground.living()
    const one = async (number: number) => {
      const made = request(drawFrom(seed * 1_000_003 + number), living)
      try {
        const status = await ground.send(made)
        statuses[status] = (statuses[status] ?? 0) + 1
        if (status >= 500 && status !== 501) broken.push(`input ${number} is answered ${status}: ${shown(made)}`)
      } catch (error) {
        broken.push(`input ${number} is not answered (${(error as Error).message}): ${shown(made)}`)
      }
    }
    await Promise.all(Array.from({ length: Math.min(together, count - first) }, (_, index) => one(first + index)))
  }
  test.same(broken.slice(0, 3), [])
  test.comment(JSON.stringify(statuses))
  test.ok(await ground.living(), 'and the master works')
}

const shown = ({ method, path, headers, body }: FuzzRequest): string =>
  `${method} ${path} ${JSON.stringify(headers)} ${body === undefined ? '' : Buffer.from(body).toString('latin1').slice(0, 3_000)}`

/** A call as it was, or changed in its structure or its bytes, in JSON or protobuf. */
function mutated(name: MessageName, call: object, draw: Draw): { type: string; body: Uint8Array | string } {
  const json = draw(2) === 0
  const type = json ? 'application/json' : 'application/x-protobuf'
  const write = (message: object) => (json ? Buffer.from(stringify(name, message)) : Buffer.from(encode(name, message)))
  switch (draw(10)) {
    case 0:
    case 1:
      return { type, body: write(call) }
    case 2:
    case 3:
      return { type, body: mutateBytes(write(call), draw) }
    default: {
      const changed = mutateJson(call, draw)
      if (json) return { type, body: JSON.stringify(changed) ?? 'null' }
      try {
        return { type, body: write(fromJson(name, changed)) }
      } catch (error) {
        if (!(error instanceof BadMessage)) throw error
        return { type, body: mutateBytes(write(call), draw) }
      }
    }
  }
}

const pick = <Item>(items: readonly Item[], draw: Draw): Item => items[draw(items.length)]!
/** Now and then another value of a header, one that may be sent at all. */
const header = (value: string, draw: Draw): string =>
  draw(25) > 0
    ? value
    : Buffer.from(mutateBytes(Buffer.from(value), draw))
        .toString('latin1')
        .replaceAll(/[^\x20-\x7e]/g, '~')
const accepts = ['application/json', 'application/x-protobuf', '*/*', 'application/json', '*/*', 'text/html']

t.test('the master', { timeout }, async t => {
  const ground = await FuzzGround.open()
  t.teardown(() => ground.close())
  let tasks = 0

  await t.test('36,000 calls of schedulers', { timeout }, async test => {
    await bombard(test, ground, 36_000, (draw, living) => {
      const calls = schedulerCalls(living, () => ++tasks)
      const call =
        draw(300) === 0 ? { type: 'TEARDOWN' as const, framework_id: { value: living.frameworkId } } : pick(calls, draw)
      const { type, body } = mutated('mesos.v1.scheduler.Call', call, draw)
      const headers = {
        'content-type': header(type, draw),
        accept: header(pick(accepts, draw), draw),
        ...(call.type === 'SUBSCRIBE' ? {} : { 'mesos-stream-id': header(living.streamId, draw) }),
      }
      return { method: 'POST', path: '/api/v1/scheduler', headers, body }
    })
  })

  await t.test('2,000 streams of calls', { timeout }, async test => {
    await bombard(test, ground, 2_000, (draw, living) => {
      const calls = schedulerCalls(living, () => ++tasks)
      const records = Array.from({ length: 1 + draw(4) }, () =>
        encodeRecord(Buffer.from(stringify('mesos.v1.scheduler.Call', pick(calls, draw)))),
      )
      const headers = {
        'content-type': 'application/recordio',
        'message-content-type': header('application/json', draw),
        'mesos-stream-id': header(living.streamId, draw),
      }
      const whole = Buffer.concat(records)
      return { method: 'POST', path: '/api/v1/scheduler', headers, body: draw(6) ? mutateBytes(whole, draw) : whole }
    })
  })

  await t.test('32,000 calls of operators', { timeout }, async test => {
    await bombard(test, ground, 32_000, (draw, living) => {
      const { type, body } = mutated('mesos.v1.master.Call', pick(operatorCalls(living), draw), draw)
      const headers = { 'content-type': header(type, draw), accept: header(pick(accepts, draw), draw) }
      return { method: 'POST', path: '/api/v1', headers, body }
    })
  })

  await t.test('20,000 requests to older endpoints', { timeout }, async test => {
    await bombard(test, ground, 20_000, (draw, living) => {
      const { method, path, query, form } = pick(olderRequests(living), draw)
      const text = (value: string) =>
        draw(2) === 0
          ? value
          : Buffer.from(mutateBytes(Buffer.from(value), draw))
              .toString('latin1')
              .replaceAll(/[^\x21-\x7e]/g, char => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
              .replaceAll('#', '%23')
      const prefix = pick(['', '', '', '', '/master', '/master', '//', '/.'], draw)
      const where = `${prefix}${text(path)}${query === '' ? '' : `?${text(query)}`}`
      const other = pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'], draw)
      const chosen = draw(6) === 0 ? other : method
      const body = form === '' || chosen === 'GET' ? undefined : text(form)
      const headers = {
        'content-type': header('application/x-www-form-urlencoded', draw),
        accept: header(pick(accepts, draw), draw),
        ...(draw(20) === 0 ? { authorization: header('Basic dTpw', draw), origin: header('http://x', draw) } : {}),
      }
      return { method: chosen, path: where.startsWith('/') ? where : `/${where}`, headers, body }
    })
  })
})
