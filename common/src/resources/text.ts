// Resources and attributes as text (Mesos contract 6.2): `cpus:4;ports:[31000-32000];bugs(dev):{a,b}`.
import { fromJson } from '../protocol/codec.ts'
import { BadMessage } from '../protocol/errors.ts'
import type { Attribute, Resource, ValueType } from '../protocol/mesos.ts'
import { normalize } from './formats.ts'
import { Resources } from './resources.ts'
import { checkRole } from './roles.ts'
import { validateResource } from './validate.ts'

type Value = Pick<Attribute, 'type' | 'scalar' | 'ranges' | 'set' | 'text'>

/**
 * The resources of a text, in the new format and the given order; also of a JSON array of them. `(role)` is a static
 * reservation. What is 0 is kept, since it says that there is none: `Resources.from` drops it.
 * @throws BadMessage whose path is the piece that is wrong
 */
export function parseResources(text: string): Resource[] {
  if (text.trimStart().startsWith('[')) return parseJsonResources(text)
  const types = new Map<string, ValueType>()
  return pieces(text).map(piece => {
    const resource = parseResource(piece)
    const before = types.get(resource.name)
    if (before !== undefined && before !== resource.type)
      throw new BadMessage(
        piece,
        `'${resource.name}' is of type ${before} in one place and ${resource.type} in another`,
      )
    types.set(resource.name, resource.type)
    return resource
  })
}

/**
 * The attributes of a text: `rack:2;u:[1-5];z:{a,b}`; any other value is text.
 * @throws BadMessage whose path is the piece that is wrong
 */
export function parseAttributes(text: string): Attribute[] {
  return pieces(text).map(piece => {
    const [name, value] = split(piece)
    return { name, ...(parseValue(piece, value) ?? { type: 'TEXT', text: { value } }) }
  })
}

/**
 * Resources as text, for flags and for people. Unreserved and statically reserved ones without anything else can be parsed
 * again; of the others the text says what they are in brackets that `parseResources` refuses.
 */
export function formatResources(resources: Resources | readonly Resource[]): string {
  const list = resources instanceof Resources ? resources.toArray() : resources.map(normalize)
  return list.map(formatResource).join(';')
}

function pieces(text: string): string[] {
  return text
    .split(';')
    .map(piece => piece.trim())
    .filter(piece => piece !== '')
}

function split(piece: string): [name: string, value: string] {
  const colon = piece.indexOf(':')
  if (colon < 0) throw new BadMessage(piece, "has no ':' between name and value")
  const name = piece.slice(0, colon).trim()
  const value = piece.slice(colon + 1).trim()
  if (name === '') throw new BadMessage(piece, "has no name before the ':'")
  if (value === '') throw new BadMessage(piece, "has no value after the ':'")
  return [name, value]
}

const nameAndRole = /^([^()]+)(?:\(([^()]*)\))?$/

function parseResource(piece: string): Resource {
  const [head, text] = split(piece)
  const match = nameAndRole.exec(head)
  if (match === null) throw new BadMessage(piece, 'has no name of the form name or name(role)')
  const name = (match[1] as string).trim()
  const role = match[2]?.trim()
  const reason = role === undefined ? undefined : checkRole(role)
  if (reason !== undefined) throw new BadMessage(piece, `has a role that ${reason}`)
  const value = parseValue(piece, text)
  if (value === undefined) throw new BadMessage(piece, 'has a value that is no number, [ranges] or {set}')
  const resource: Resource = { name, ...value }
  if (role !== undefined && role !== '*') resource.reservations = [{ type: 'STATIC', role }]
  return valid(piece, resource)
}

function valid(piece: string, resource: Resource): Resource {
  const reason = validateResource(resource)
  if (reason !== undefined) throw new BadMessage(piece, reason)
  return resource
}

const number = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/
const range = /^(\d{1,16})\s*-\s*(\d{1,16})$/

/** undefined: it is only text. */
function parseValue(piece: string, value: string): Value | undefined {
  if (number.test(value)) return { type: 'SCALAR', scalar: { value: Number(value) } }
  if (value.startsWith('[') && value.endsWith(']')) {
    const list = inside(piece, value).map(item => {
      const match = range.exec(item)
      if (match === null) throw new BadMessage(piece, `has the range '${item}', which is not begin-end`)
      const [begin, end] = [Number(match[1]), Number(match[2])]
      if (begin > end) throw new BadMessage(piece, `has the range '${item}', which begins after its end`)
      return { begin, end }
    })
    return { type: 'RANGES', ranges: { range: list } }
  }
  if (value.startsWith('{') && value.endsWith('}')) return { type: 'SET', set: { item: inside(piece, value) } }
  if (/^[[{(]|[\]})]$/.test(value)) throw new BadMessage(piece, 'has a value with brackets that do not match')
  return undefined
}

function inside(piece: string, value: string): string[] {
  const items = value
    .slice(1, -1)
    .split(',')
    .map(item => item.trim())
  if (items.includes('')) throw new BadMessage(piece, 'has brackets with nothing in a place')
  return items
}

function parseJsonResources(text: string): Resource[] {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (error) {
    throw new BadMessage('', `is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  return (list as unknown[]).map((one, index) => {
    const piece = `[${index}]`
    try {
      return normalize(valid(piece, fromJson('mesos.v1.Resource', one)))
    } catch (error) {
      if (!(error instanceof BadMessage) || error.path.startsWith(piece)) throw error
      throw new BadMessage(error.path === '' ? piece : `${piece}.${error.path}`, error.reason)
    }
  })
}

/** Ranges and sets as Mesos wrote them: `[1-5, 8-9]`, `{a, b}`. */
export function formatValue({ scalar, ranges, set, text }: Omit<Value, 'type'>, comma = ','): string {
  if (scalar !== undefined) return String(scalar.value)
  if (ranges !== undefined) return `[${(ranges.range ?? []).map(({ begin, end }) => `${begin}-${end}`).join(comma)}]`
  if (set !== undefined) return `{${(set.item ?? []).join(comma)}}`
  return text?.value ?? ''
}

function formatResource(resource: Resource): string {
  const { reservations = [], disk, revocable, shared, provider_id } = resource
  const [outermost] = reservations
  const isStatic = reservations.length === 1 && outermost?.type === 'STATIC'
  const notes: string[] = []
  if (!isStatic)
    for (const { type, role } of reservations) notes.push(`${type === 'STATIC' ? 'static' : 'dynamic'} ${role}`)
  if (disk?.persistence) notes.push(`volume ${disk.persistence.id}`)
  if (disk?.source)
    notes.push(
      `${disk.source.type} ${disk.source.path?.root ?? disk.source.mount?.root ?? disk.source.id ?? ''}`.trim(),
    )
  if (revocable) notes.push('revocable')
  if (shared) notes.push('shared')
  if (provider_id) notes.push(`provider ${provider_id.value}`)
  const role = isStatic ? `(${outermost.role})` : ''
  const note = notes.length === 0 ? '' : `(${notes.join(', ')})`
  return `${resource.name}${role}${note}:${formatValue(resource)}`
}
