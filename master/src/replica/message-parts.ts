import { encode, stringify, toAscii } from '@meseta/common/protocol/codec'
import type { MessageName, MessageTypes } from '@meseta/common/protocol/mesos'
import { planOf } from '@meseta/common/protocol/schema'
import { list, type Page, type Slices } from './pages.ts'

// v1 messages of any size, written a row at a time: as JSON, and as protobuf, where what holds something begins with its length.

/** A message: what is small of it whole, and its large fields by name. */
export interface Parts<N extends MessageName = MessageName> {
  readonly name: N
  /** JSON writes it first. */
  readonly small?: Readonly<Record<string, unknown>>
  readonly fields: Readonly<Record<string, Parts | Rows>>
}

/** A repeated field. The rows are walked more than once, and are the same each time. */
export interface Rows {
  readonly of: MessageName
  readonly rows: Iterable<Row>
}

/** One message of it, in both of its forms. */
export interface Row {
  json(): string
  protobuf(): Uint8Array
}

export function rowsOf<N extends MessageName, Item>(
  of: N,
  items: () => Iterable<Item>,
  message: (item: Item) => MessageTypes[N],
): Rows {
  return {
    of,
    rows: {
      *[Symbol.iterator]() {
        for (const item of items())
          yield { json: () => stringify(of, message(item)), protobuf: () => encode(of, message(item)) }
      },
    },
  }
}

const isRows = (field: Parts | Rows): field is Rows => 'rows' in field

/** Writes it as JSON; with `ascii`, every other character escaped (Mesos contract 1.6). An empty list is left out. */
export function* jsonOf(page: Page, { small, fields }: Parts, ascii = false): Slices {
  const head = JSON.stringify(small ?? {}).slice(0, -1)
  page.text(ascii ? toAscii(head) : head)
  let comma = head !== '{'
  for (const [name, field] of Object.entries(fields)) {
    if (isRows(field) && isEmpty(field)) continue
    page.text(`${comma ? ',' : ''}"${name}":`)
    comma = true
    if (!isRows(field)) {
      yield* jsonOf(page, field, ascii)
      continue
    }
    page.text('[')
    yield* list(page, field.rows, row => (ascii ? toAscii(row.json()) : row.json()))
    page.text(']')
  }
  page.text('}')
}

function isEmpty({ rows }: Rows): boolean {
  for (const _ of rows) return false
  return true
}

/** How long parts are in protobuf. */
export type Lengths = Map<Parts, number>

/** Fills in the lengths of the message and of all that is in it. */
export function* measure(page: Page, parts: Parts, lengths: Lengths): Slices {
  let length = parts.small ? encodeSmall(parts).length : 0
  for (const [name, field] of Object.entries(parts.fields)) {
    const tag = tagOf(parts.name, name).length
    if (isRows(field)) {
      for (const row of field.rows) {
        const bytes = row.protobuf().length
        length += tag + varint(bytes).length + bytes
        if (page.row()) yield
      }
    } else {
      yield* measure(page, field, lengths)
      const inner = lengths.get(field)!
      length += tag + varint(inner).length + inner
    }
  }
  lengths.set(parts, length)
}

/** Writes it as protobuf, once its parts have been measured. */
export function* protobufOf(page: Page, parts: Parts, lengths: Lengths): Slices {
  if (parts.small) page.bytes(encodeSmall(parts))
  for (const [name, field] of Object.entries(parts.fields)) {
    const tag = tagOf(parts.name, name)
    if (isRows(field)) {
      for (const row of field.rows) {
        const bytes = row.protobuf()
        page.bytes(tag)
        page.bytes(varint(bytes.length))
        page.bytes(bytes)
        if (page.row()) yield
      }
    } else {
      page.bytes(tag)
      page.bytes(varint(lengths.get(field)!))
      yield* protobufOf(page, field, lengths)
    }
  }
}

const encodeSmall = ({ name, small }: Parts): Uint8Array => encode(name, small as MessageTypes[MessageName])

/** The tag of a field that holds messages: number and wire type 2. */
function tagOf(name: MessageName, field: string): Uint8Array {
  return varint((planOf(name).byName.get(field)!.number << 3) | 2)
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest % 128) | 0x80)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Uint8Array.from(bytes)
}
