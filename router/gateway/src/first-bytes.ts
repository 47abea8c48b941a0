import type { Readable } from 'node:stream'

/** A body's first bytes, at most `most` of them. The rest is not read: its connection is closed. */
export async function firstBytes(body: Readable, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= most) break
  }
  return Buffer.concat(chunks).subarray(0, most)
}
