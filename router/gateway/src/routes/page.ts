import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { HttpError } from '@meseta/common/service/errors'
import type { FastifyInstance, FastifyReply } from 'fastify'

interface PageFile {
  readonly bytes: Buffer
  readonly type: string
  readonly etag: string
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
}

/** The page loads nothing from outside, and no other page may frame it. */
const security: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
}

/** Serves the built page at `/`. Its few files are read once; a missing build is said where the page would be. */
export function addPage(app: FastifyInstance, folder: string): void {
  let files = readFiles(folder)
  const send = (reply: FastifyReply, file: PageFile, ifNoneMatch: string | undefined, cache: string) => {
    reply.headers({ ...security, etag: file.etag, 'cache-control': cache })
    if (ifNoneMatch === file.etag) return reply.code(304).send()
    return reply.type(file.type).send(file.bytes)
  }
  app.get('/', async (request, reply) => {
    // It may have been built since.
    if (!files.has('index.html')) files = readFiles(folder)
    const page = files.get('index.html')
    if (!page)
      throw new HttpError(503, 'the page has not been built: run `npm start` once, or `node router/ui/build.mjs`')
    return send(reply, page, request.headers['if-none-match'], 'no-cache')
  })
  app.get('/assets/:name', async (request, reply) => {
    const file = files.get((request.params as { name: string }).name)
    if (!file) throw new HttpError(404, 'the page has no such file')
    return send(reply, file, request.headers['if-none-match'], 'no-cache')
  })
}

function readFiles(folder: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>()
  let names: string[] = []
  try {
    names = readdirSync(folder)
  } catch {
    // Not built: said when somebody asks for the page.
  }
  for (const name of names) {
    const type = types[extname(name)]
    if (!type) continue
    const bytes = readFileSync(join(folder, name))
    files.set(name, { bytes, type, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` })
  }
  return files
}
