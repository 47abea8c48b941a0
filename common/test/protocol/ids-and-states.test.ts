import t from 'tap'
import { excerpt } from '../../src/protocol/excerpt.ts'
import { checkId } from '../../src/protocol/ids.ts'
import type { TaskState } from '../../src/protocol/mesos.ts'
import {
  holdsResources,
  isTerminal,
  isTerminalOperation,
  mayBecome,
  needsAcknowledgement,
  stateFor,
} from '../../src/protocol/task-state.ts'

t.test('ids that users give (contract 1.8)', async t => {
  for (const id of ['a', 'a.b', '...', 'web.3f', 'ä'.repeat(127), 'x'.repeat(255), ' ', 'a b', '__proto__'])
    t.equal(checkId(id), undefined, JSON.stringify(id).slice(0, 20))
  const rows: [id: unknown, reason: RegExp][] = [
    ['', /empty/],
    ['.', /'\.'/],
    ['..', /'\.\.'/],
    ['../x', /'\/'/],
    ['a\\b', /\\/],
    ['a\nb', /control/],
    ['a\u007f', /control/],
    ['\u0000', /control/],
    ['x'.repeat(256), /longer than 255/],
    ['ä'.repeat(128), /longer than 255 bytes/],
    ['x'.repeat(10_000_000), /longer/],
    ['\ud800', /surrogate/],
    [5, /text/],
    [undefined, /text/],
  ]
  for (const [id, reason] of rows) t.match(checkId(id), reason, String(JSON.stringify(id)).slice(0, 20))
})

t.test('task states (contract 2.6)', async t => {
  const rows: [state: TaskState, terminal: boolean, holds: boolean, old: TaskState][] = [
    ['TASK_STAGING', false, true, 'TASK_STAGING'],
    ['TASK_STARTING', false, true, 'TASK_STARTING'],
    ['TASK_RUNNING', false, true, 'TASK_RUNNING'],
    ['TASK_KILLING', false, true, 'TASK_KILLING'],
    ['TASK_FINISHED', true, false, 'TASK_FINISHED'],
    ['TASK_FAILED', true, false, 'TASK_FAILED'],
    ['TASK_KILLED', true, false, 'TASK_KILLED'],
    ['TASK_ERROR', true, false, 'TASK_ERROR'],
    ['TASK_LOST', true, false, 'TASK_LOST'],
    ['TASK_DROPPED', true, false, 'TASK_LOST'],
    ['TASK_GONE', true, false, 'TASK_LOST'],
    ['TASK_GONE_BY_OPERATOR', true, false, 'TASK_LOST'],
    ['TASK_UNREACHABLE', false, false, 'TASK_LOST'],
    ['TASK_UNKNOWN', false, false, 'TASK_LOST'],
  ]
  for (const [state, terminal, holds, old] of rows) {
    t.equal(isTerminal(state), terminal, `${state} terminal`)
    t.equal(holdsResources(state), holds, `${state} holds its resources`)
    t.equal(stateFor(false, state), old, `${state} as an old scheduler sees it`)
    t.equal(stateFor(true, state), state)
    t.equal(mayBecome(state, 'TASK_RUNNING'), !terminal, `${state} may become RUNNING`)
    t.ok(mayBecome(state, state))
  }
  t.ok(needsAcknowledgement({ uuid: 'AAAA' }))
  t.notOk(needsAcknowledgement({}))
})

t.test('operation states', async t => {
  t.ok(isTerminalOperation('OPERATION_FINISHED'))
  t.ok(isTerminalOperation('OPERATION_GONE_BY_OPERATOR'))
  t.notOk(isTerminalOperation('OPERATION_PENDING'))
  t.notOk(isTerminalOperation('OPERATION_UNREACHABLE'))
})

t.test('an excerpt of a text is bounded, and never ends in half of a character', async t => {
  t.equal(excerpt('short', 5), 'short')
  t.equal(excerpt('longer', 5), 'longe…')
  t.equal(excerpt('long\u{1f600}', 5), 'long\ufffd…')
})
