// Every message as its converters need it, resolved once from the two descriptors.
import { Enum, type Field, MapField, Root, Type } from 'protobufjs/light.js'
import meseta from './meseta-v1.json' with { type: 'json' }
import type { MessageName } from './mesos.ts'
import mesos from './mesos-v1.descriptor.json' with { type: 'json' }
import { enumCodec, type Scalar, type ScalarCodec, scalars } from './scalars.ts'

export interface MessagePlan {
  readonly name: string
  /** In the descriptor's order. */
  readonly fields: FieldPlan[]
  readonly byName: Map<string, FieldPlan>
  /** Sparse, by field number. */
  readonly byNumber: FieldPlan[]
  /** The names of the required fields. */
  readonly required: string[]
  /** The declared defaults, written to JSON when a field is unset (Mesos contract 1.4); not those of deprecated fields. */
  readonly defaults: [name: string, value: Scalar][]
}

export interface FieldPlan {
  readonly name: string
  readonly number: number
  readonly rule: 'optional' | 'required' | 'repeated' | 'map'
  /** What its values are (the map's values): exactly one of the two. */
  readonly scalar: ScalarCodec | undefined
  readonly message: MessagePlan | undefined
  /** The other members of its oneof: setting this one unsets them. */
  readonly rivals: string[]
}

type Descriptor = { nested: Record<string, object> }

function compile(descriptors: Descriptor[]): Map<string, MessagePlan> {
  const nested = Object.assign({}, ...descriptors.map(one => one.nested))
  const root = Root.fromJSON({ nested }).resolveAll()
  const plans = new Map<Type, MessagePlan>()
  const enums = new Map<Enum, ScalarCodec>()
  const types: Type[] = []
  collect(root, types)
  for (const type of types)
    plans.set(type, { name: nameOf(type), fields: [], byName: new Map(), byNumber: [], required: [], defaults: [] })
  for (const [type, plan] of plans) {
    for (const field of type.fieldsArray) {
      const one = planField(field, plans, enums)
      plan.fields.push(one)
      plan.byName.set(one.name, one)
      plan.byNumber[one.number] = one
      if (one.rule === 'required') plan.required.push(one.name)
      const { default: written, deprecated } = field.options ?? {}
      if (written !== undefined && !deprecated) plan.defaults.push([one.name, written as Scalar])
    }
  }
  return new Map([...plans.values()].map(plan => [plan.name, plan]))
}

function collect(parent: { nestedArray?: unknown[] }, types: Type[]): void {
  for (const child of parent.nestedArray ?? []) {
    if (child instanceof Type) types.push(child)
    if (!(child instanceof Enum)) collect(child as { nestedArray?: unknown[] }, types)
  }
}

const nameOf = (type: { fullName: string }) => type.fullName.replace(/^\./, '')

function planField(field: Field, plans: Map<Type, MessagePlan>, enums: Map<Enum, ScalarCodec>): FieldPlan {
  const type = field.resolvedType
  const message = type instanceof Type ? plans.get(type) : undefined
  let scalar = type === null ? scalars[field.type] : undefined
  if (type instanceof Enum) {
    scalar = enums.get(type) ?? enumCodec(new Map(Object.entries(type.values)))
    enums.set(type, scalar)
  }
  if (message === undefined && scalar === undefined)
    throw new Error(`the descriptor's field ${field.fullName} has the type ${field.type}, which no codec knows`)
  return {
    name: field.name,
    number: field.id,
    rule: field instanceof MapField ? 'map' : field.repeated ? 'repeated' : field.required ? 'required' : 'optional',
    scalar,
    message,
    rivals: field.partOf ? field.partOf.fieldsArray.map(one => one.name).filter(name => name !== field.name) : [],
  }
}

const plans = compile([mesos, meseta])

/** Whether there is a message of this full name. */
export function isMessageName(name: string): name is MessageName {
  return plans.has(name)
}

/** Every message there is. */
export function messageNames(): MessageName[] {
  return [...plans.keys()] as MessageName[]
}

export function planOf(name: MessageName): MessagePlan {
  const plan = plans.get(name)
  if (plan === undefined) throw new Error(`there is no message ${name}`)
  return plan
}
