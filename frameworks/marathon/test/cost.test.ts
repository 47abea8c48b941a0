import { seededRandom } from '@meseta/common/sim/random'
import t from 'tap'
import type { Change } from '../src/core/change/change.ts'
import { Heart } from '../src/core/heart.ts'
import { settings } from './support/settings.ts'

const now = Date.parse('2026-01-01T00:00:00.000Z')

/** How many instances a heart looks at while it takes a change. */
function looks(change: Change): number {
  const heart = new Heart(settings, seededRandom(1))
  let count = 0
  const { instancesOf } = heart.state
  heart.state.instancesOf = service => {
    const found = instancesOf.call(heart.state, service)
    count += found.length
    return found
  }
  heart.step(now, [{ type: 'change', call: 1, force: false, change }])
  return count
}

const serve = { cmd: 'serve', cpus: 0.1, mem: 32 }

t.test('the work for a group grows with its apps, not with their square', async t => {
  const group = (count: number): Change => {
    const apps = Array.from({ length: count }, (_, n) => ({ id: `app-${n}`, ...serve }))
    return { kind: 'group', id: '/', mode: 'create', body: { id: '/g', apps } }
  }
  t.ok(looks(group(500)) <= 500 * 10, `${looks(group(500))} looks at 500 instances`)
})

t.test('the work for an app grows with its instances, not with their square', async t => {
  const app = (instances: number): Change => ({
    kind: 'apps',
    apps: [{ id: '/a', body: { ...serve, instances }, mode: 'upsert', partial: true, path: '' }],
  })
  t.ok(looks(app(5_000)) <= 5_000 * 10, `${looks(app(5_000))} looks at 5,000 instances`)
})
