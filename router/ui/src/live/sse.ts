/** One frame of an event stream. `id` is empty where the frame has none. */
export interface Frame {
  readonly event: string
  readonly id: string
  readonly data: string
}

/** A frame longer than this is no feed's: the connection is given up. Characters. */
const longestFrame = 8 * 1024 * 1024

/** Cuts the text of an event stream into frames. Comments and fields that we do not know are skipped. */
export class FrameCutter {
  #rest = ''

  /** The frames that this piece of text completes. Throws when one grows over the bound. */
  push(text: string): Frame[] {
    const frames: Frame[] = []
    let buffer = this.#rest + text
    let end = buffer.indexOf('\n\n')
    let from = 0
    while (end !== -1) {
      const frame = readFrame(buffer.slice(from, end))
      if (frame) frames.push(frame)
      from = end + 2
      end = buffer.indexOf('\n\n', from)
    }
    buffer = buffer.slice(from)
    if (buffer.length > longestFrame) throw new Error(`a frame of the event stream is over ${longestFrame} characters`)
    this.#rest = buffer
    return frames
  }
}

function readFrame(text: string): Frame | undefined {
  let event = ''
  let id = ''
  const data: string[] = []
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    const name = line.slice(0, colon)
    if (name === 'event') event = value
    else if (name === 'id') id = value
    else if (name === 'data') data.push(value)
  }
  return data.length === 0 ? undefined : { event, id, data: data.join('\n') }
}
