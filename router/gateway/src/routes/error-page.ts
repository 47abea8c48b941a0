import type { FastifyInstance } from 'fastify'

const plain = 'text/plain; charset=utf-8'
const html = 'text/html; charset=utf-8'

/** The sentence of an error as clients of the original know it, and for browsers the same as a page. */
export function errorAnswer(
  sentence: string,
  accept: string | undefined,
): { body: string; headers: Record<string, string> } {
  if (!wantsPage(accept)) return { body: `${sentence}\n`, headers: { 'content-type': plain } }
  return { body: pageOf(sentence), headers: { 'content-type': html, 'content-security-policy': "default-src 'none'" } }
}

/** Gives browsers pages instead of sentences, wherever an error is answered. */
export function addErrorPages(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const isSentence =
      reply.statusCode >= 400 && typeof payload === 'string' && reply.getHeader('content-type') === plain
    if (!isSentence || !wantsPage(request.headers.accept)) return done(null, payload)
    const { body, headers } = errorAnswer(payload.trimEnd(), request.headers.accept)
    reply.headers(headers)
    done(null, body)
  })
}

const wantsPage = (accept: string | undefined): boolean => accept?.includes('text/html') ?? false

function pageOf(sentence: string): string {
  const text = sentence.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
  return `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${text}</title>\n<p>${text}</p>\n</html>\n`
}
