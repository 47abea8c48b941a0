import { formatPosition } from '@meseta/common/feed/frame'
import type { FeedWriter, Kinds } from '@meseta/common/feed/writer'

const batchBytes = 256 * 1024

/**
 * The state of the feed as one JSON array: its frames in the stream's order, `{"id"?,"event","data"}` each, from `hello` to `synced`,
 * whose id is where the stream goes on. Throws when the reader is so slow that the ring has moved on.
 */
export async function* snapshotText(
  writer: FeedWriter,
  kinds: Kinds | undefined,
  hello: object,
): AsyncGenerator<string> {
  yield `[${element('hello', JSON.stringify(hello))}`
  const state = writer.snapshot(kinds)
  for (let part = state.next(batchBytes); part; part = state.next(batchBytes)) yield elements(part)
  // What changed meanwhile was left out, and comes now.
  let { seq } = state
  const end = writer.seq
  while (seq < end) {
    const batch = writer.changesAfter(seq, batchBytes, kinds)
    if (!batch) throw new Error('the reader is too slow for a snapshot')
    seq = batch.seq
    yield elements(batch.bytes)
  }
  yield `,${element('synced', '{}', formatPosition({ epoch: writer.epoch, seq }))}]\n`
}

/** Frames as they stand in the stream. Their data is JSON already, and has no line breaks. */
function elements(frames: Uint8Array): string {
  const text = Buffer.from(frames.buffer, frames.byteOffset, frames.length).toString()
  return text
    .split('\n\n')
    .filter(frame => frame !== '')
    .map(frame => {
      const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(frame)!
      return `,${element(event!, data!, id)}`
    })
    .join('')
}

const element = (event: string, data: string, id?: string): string =>
  `${id === undefined ? '{' : `{"id":"${id}",`}"event":"${event}","data":${data}}`
