// Hostile inputs made from good ones, from a seed.

export type Draw = (below: number) => number

/** Whole numbers from 0 to below the bound; the same for the same seed (mulberry32). */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const edges = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x0b, 0x0c, 0x12, 0x30, 0x39, 0x7b, 0x22]

/** One to four changes: a byte set, flipped, put in or taken out; a piece repeated, or the end cut off. */
export function mutateBytes(source: Uint8Array, draw: Draw): Uint8Array {
  let bytes = Buffer.from(source)
  for (let changes = 1 + draw(4); changes > 0; changes -= 1) {
    const at = draw(bytes.length + 1)
    const edge = edges[draw(edges.length)] as number
    switch (draw(6)) {
      case 0:
        if (at < bytes.length) bytes[at] = edge
        break
      case 1:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << draw(8))
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([edge]), bytes.subarray(at)])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
        break
      case 4: {
        const piece = bytes.subarray(at, at + draw(32))
        bytes = Buffer.concat([bytes.subarray(0, at), piece, piece, bytes.subarray(at)])
        break
      }
      default:
        bytes = bytes.subarray(0, at)
    }
  }
  return bytes
}

const hostile: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  '',
  'x',
  '../../etc/passwd',
  '\u0000',
  '\ud800',
  'Infinity',
  'NaN',
  '9'.repeat(500),
  'k'.repeat(10_000),
  [],
  {},
  [[[]]],
  [null],
  JSON.parse('{"__proto__":{"polluted":1}}'),
  { constructor: { prototype: { polluted: 1 } } },
  { value: {} },
]

/** One to three places of a JSON value replaced by something hostile, renamed, or wrapped. Gives a changed copy. */
export function mutateJson(source: unknown, draw: Draw): unknown {
  let value = source
  for (let changes = 1 + draw(3); changes > 0; changes -= 1) value = changeOne(value, draw)
  return value
}

function changeOne(value: unknown, draw: Draw): unknown {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : []
  if (keys.length === 0 || draw(6) === 0) {
    const other = hostile[draw(hostile.length)]
    return draw(4) === 0 ? [value, other] : other
  }
  const key = keys[draw(keys.length)] as string
  const changed = changeOne((value as Record<string, unknown>)[key], draw)
  if (Array.isArray(value)) return value.map((one, index) => (String(index) === key ? changed : one))
  const renamed = draw(20) === 0 ? '__proto__' : key
  return Object.fromEntries(Object.entries(value as object).map(([k, v]) => (k === key ? [renamed, changed] : [k, v])))
}
