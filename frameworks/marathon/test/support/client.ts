export interface Reply {
  readonly status: number
  readonly headers: Headers
  // Bodies are looked into freely: what they hold is what is tested.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any
}

/** A client of Marathon's API. */
export class Client {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const json = (answer.headers.get('content-type') ?? '').includes('json') && text !== ''
    return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text }
  }

  get = (path: string): Promise<Reply> => this.send('GET', path)
  post = (path: string, body?: unknown): Promise<Reply> => this.send('POST', path, body)
  put = (path: string, body?: unknown): Promise<Reply> => this.send('PUT', path, body)
  patch = (path: string, body?: unknown): Promise<Reply> => this.send('PATCH', path, body)
  delete = (path: string, body?: unknown): Promise<Reply> => this.send('DELETE', path, body)

  /** Asks until the answer is as wanted. */
  async until(path: string, wanted: (body: Reply['body']) => boolean, limit = 10_000): Promise<Reply['body']> {
    const end = Date.now() + limit
    for (;;) {
      const { body } = await this.get(path)
      if (wanted(body)) return body
      if (Date.now() > end) throw new Error(`${path} did not become as wanted: ${JSON.stringify(body).slice(0, 2_000)}`)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  async deployed(): Promise<void> {
    await this.until('/v2/deployments', deployments => deployments.length === 0)
  }
}

export interface Frame {
  readonly event: string
  readonly data: Reply['body']
}

/** The frames of an event stream as they come. */
export class EventStream {
  readonly frames: Frame[] = []
  readonly #abort = new AbortController()
  #waiting: (() => void)[] = []

  async open(url: string, headers: Record<string, string> = { accept: 'text/event-stream' }): Promise<Response> {
    const answer = await fetch(url, { headers, signal: this.#abort.signal })
    if (answer.ok && answer.body !== null) this.#read(answer.body).catch(() => {})
    return answer
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = ''
    for await (const chunk of body.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const event = /^event: (.*)$/m.exec(text.slice(0, end))?.[1]
        const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1]
        text = text.slice(end + 2)
        if (event !== undefined) this.frames.push({ event, data: JSON.parse(data ?? 'null') })
      }
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }

  async until(what: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(what)
      if (found !== undefined) return found
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  close(): void {
    this.#abort.abort()
  }
}
