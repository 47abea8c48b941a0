import t from 'tap'
import type { Condition, Instance } from '../src/core/instance.ts'
import { selectVictims } from '../src/core/kill-selection.ts'
import type { AppService } from '../src/core/model.ts'

const service = (more: object = {}): AppService =>
  ({ kind: 'app', spec: { id: '/a', constraints: [], killSelection: 'YOUNGEST_FIRST', ...more } }) as never

const instance = (id: string, condition: Condition, startedAt: number, rack?: string): Instance =>
  ({
    id,
    condition,
    startedAt,
    since: 0,
    ...(rack !== undefined && { placement: { agentId: 'A', hostname: 'h', attributes: { rack } } }),
  }) as never

const victims = (of: AppService, all: readonly Instance[], count: number): string[] =>
  selectVictims(of, all, count, one => one.condition === 'Running').map(one => one.id)

t.test('the youngest go first, or the oldest where that is said', async t => {
  const all = [instance('old', 'Running', 1), instance('young', 'Running', 3), instance('middle', 'Running', 2)]
  t.same(victims(service(), all, 2), ['young', 'middle'])
  t.same(victims(service({ killSelection: 'OLDEST_FIRST' }), all, 2), ['old', 'middle'])
})

t.test('what serves least goes first, whatever its age', async t => {
  const all = [
    instance('running', 'Running', 9),
    instance('starting', 'Starting', 1),
    instance('staging', 'Staging', 1),
    instance('unreachable', 'Unreachable', 1),
    instance('scheduled', 'Scheduled', 1),
  ]
  t.same(victims(service(), all, 5), ['scheduled', 'unreachable', 'staging', 'starting', 'running'])
})

t.test('of groups the largest gives first, so that the rest stays spread', async t => {
  const all = [
    instance('a1', 'Running', 1, 'a'),
    instance('a2', 'Running', 2, 'a'),
    instance('a3', 'Running', 3, 'a'),
    instance('b1', 'Running', 4, 'b'),
    instance('c1', 'Running', 5, 'c'),
    instance('c2', 'Running', 6, 'c'),
  ]
  const spread = service({ constraints: [['rack', 'GROUP_BY']] })
  t.same(victims(spread, all, 1), ['a3'])
  t.same(victims(spread, all, 3).sort(), ['a2', 'a3', 'c2'])
})
