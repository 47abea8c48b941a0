// protobufjs's own reading of the descriptors: the oracle that the codecs are compared with.
import protobuf from 'protobufjs/light.js'
import meseta from '../../src/protocol/meseta-v1.json' with { type: 'json' }
import mesos from '../../src/protocol/mesos-v1.descriptor.json' with { type: 'json' }
import { messageNames } from '../../src/protocol/schema.ts'

const root = protobuf.Root.fromJSON({
  nested: { ...mesos.nested, ...meseta.nested },
} as protobuf.INamespace).resolveAll()

export const types: ReadonlyMap<string, protobuf.Type> = new Map(
  messageNames().map(name => [name, root.lookupType(name)]),
)

/** The names an enum field can have; undefined for other fields. */
export function enums(message: string, field: string): string[] | undefined {
  const type = types.get(message)?.fields[field]?.resolvedType
  return type instanceof protobuf.Enum ? Object.keys(type.values) : undefined
}

/** In the in-memory form of Meseta. */
export function referenceDecode(name: string, bytes: Uint8Array): unknown {
  const type = types.get(name)
  return type?.toObject(type.decode(bytes), { enums: String, longs: Number, bytes: String })
}

export function referenceEncode(name: string, message: object): Uint8Array {
  const type = types.get(name) as protobuf.Type
  return type.encode(type.fromObject(message as Record<string, unknown>)).finish()
}
