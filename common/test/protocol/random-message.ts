import fc from 'fast-check'
import type { MessageName, MessageTypes } from '../../src/protocol/mesos.ts'
import { type FieldPlan, type MessagePlan, planOf } from '../../src/protocol/schema.ts'
import { enums, types } from './reference.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 8 })
const base64 = fc.uint8Array({ maxLength: 9 }).map(bytes => Buffer.from(bytes).toString('base64'))
const limits: Record<string, fc.Arbitrary<unknown>> = {
  string: text,
  bytes: base64,
  bool: fc.boolean(),
  double: fc.double({ noNaN: true }).map(value => value + 0),
  float: fc.float({ noNaN: true }).map(value => value + 0),
  int32: fc.integer(),
  uint32: fc.nat({ max: 2 ** 32 - 1 }),
  int64: fc.maxSafeInteger(),
  uint64: fc.maxSafeNat(),
}

/** Any valid message of that name, in its in-memory form. */
export function messageArbitrary<N extends MessageName>(name: N): fc.Arbitrary<MessageTypes[N]> {
  return arbitrary(planOf(name), 4) as fc.Arbitrary<MessageTypes[N]>
}

function arbitrary(plan: MessagePlan, depth: number): fc.Arbitrary<object> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {}
  for (const field of plan.fields) {
    // Optional parts end somewhere; required ones can not be endless.
    if (field.rule !== 'required' && field.message !== undefined && depth <= 0) continue
    if (field.rivals.length > 0 && field.name > (field.rivals[0] as string)) continue
    fields[field.name] = fieldArbitrary(plan, field, depth)
  }
  return fc.record(fields, { requiredKeys: plan.required, noNullPrototype: true })
}

function fieldArbitrary(plan: MessagePlan, field: FieldPlan, depth: number): fc.Arbitrary<unknown> {
  const one = field.message
    ? fc.constant(null).chain(() => arbitrary(field.message as MessagePlan, depth - 1))
    : scalarArbitrary(plan, field)
  if (field.rule === 'repeated') return fc.array(one, { minLength: 1, maxLength: 3 })
  if (field.rule === 'map')
    return fc
      .array(fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString')), one), {
        minLength: 1,
        maxLength: 3,
      })
      .map(entries => {
        const map = Object.create(null)
        for (const [key, value] of entries) map[key] = value
        return map
      })
  return one
}

function scalarArbitrary(plan: MessagePlan, field: FieldPlan): fc.Arbitrary<unknown> {
  const type = types.get(plan.name)?.fields[field.name]?.type ?? ''
  const names = enums(plan.name, field.name)
  return names ? fc.constantFrom(...names) : (limits[type] ?? fc.constant(undefined))
}
