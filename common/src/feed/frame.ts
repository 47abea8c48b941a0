/** A place in a feed: which run of the server, and the number of its change. Written `<epoch>.<seq>`. */
export interface Position {
  readonly epoch: string
  readonly seq: number
}

/** The data of a change frame (docs/architecture.md, "Feeds"). */
export interface ChangeData {
  readonly op: 'put' | 'del'
  readonly key: string
  /** Grows with each change of this key within an epoch. */
  readonly rev: number
  /** Wall time of the change, ms. */
  readonly at: number
  /** The whole new body; absent for `del`. */
  readonly body?: unknown
}

/** Kinds that are not changes. */
export const controlKinds: ReadonlySet<string> = new Set(['hello', 'reset', 'synced'])

/** The place that an `after` or `Last-Event-ID` names; `undefined` when it is no place of any feed. */
export function parsePosition(text: string): Position | undefined {
  const match = /^([\w-]{1,64})\.(\d{1,15})$/.exec(text)
  return match ? { epoch: match[1]!, seq: Number(match[2]) } : undefined
}

export const formatPosition = ({ epoch, seq }: Position): string => `${epoch}.${seq}`

/** One frame of the stream. `data` is JSON and so has no line breaks. */
export function encodeFrame(event: string, data: string, id?: string): Buffer {
  return Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`)
}

/** A change with a body that is JSON already. */
export function encodeChange(position: Position, kind: string, change: ChangeData, body?: string): Buffer {
  const { op, key, rev, at } = change
  const tail = body === undefined ? '' : `,"body":${body}`
  return encodeFrame(
    kind,
    `{"op":"${op}","key":${JSON.stringify(key)},"rev":${rev},"at":${at}${tail}}`,
    formatPosition(position),
  )
}

const bodyMark = Buffer.from('"body":')
const tailBytes = '}\n\n'.length

/** Whether the frame of a change has this body, which is JSON of an object. */
export function holdsBody(frame: Buffer, body: string): boolean {
  const end = frame.length - tailBytes
  const start = end - Buffer.byteLength(body)
  const mark = start - bodyMark.length
  // No other place has the mark before it and a whole object from there to the end: the brackets would not match.
  return (
    mark > 0 &&
    frame.compare(bodyMark, 0, bodyMark.length, mark, start) === 0 &&
    frame.toString('utf8', start, end) === body
  )
}
