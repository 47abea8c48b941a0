/** One event of a server-sent stream. */
export interface StreamEvent {
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

/** Reads a server-sent stream until it is told to stop; the iterator ends with the stream or the signal. */
export async function* streamEvents(url: string, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  const answer = await fetch(url, { headers: { accept: 'text/event-stream' }, signal })
  if (!answer.ok || !answer.body) throw new Error(`${url} answered ${answer.status} and no stream`)
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of answer.body) {
      text += decoder.decode(chunk as Uint8Array, { stream: true }).replaceAll('\r\n', '\n')
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const event = parse(text.slice(0, end))
        text = text.slice(end + 2)
        if (event) yield event
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function parse(frame: string): StreamEvent | undefined {
  const fields = new Map<string, string>()
  for (const line of frame.split('\n')) {
    const found = /^(id|event|data): ?(.*)$/.exec(line)
    if (found) fields.set(found[1]!, fields.has(found[1]!) ? `${fields.get(found[1]!)}\n${found[2]}` : found[2]!)
  }
  const data = fields.get('data')
  return data === undefined ? undefined : { id: fields.get('id'), event: fields.get('event') ?? 'message', data }
}
