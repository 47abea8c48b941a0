import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { HttpError } from '@meseta/common/service/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** A file of the page, plain and zipped, as it is sent. */
interface PageFile {
  readonly type: string
  /** Differs when the bytes do. */
  readonly version: string
  readonly bytes: Buffer
  readonly zipped: Buffer
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
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
}

/** Times of the admin router contract, 1. */
const pageKept = 'max-age=30'
const assetKept = 'max-age=172800'

/** Serves the built page at `/`. Its few files are read once; a missing build is said where the page would be. */
export function addPage(app: FastifyInstance, folder: string): void {
  let files = readFiles(folder)
  app.get('/', async (request, reply) => {
    // It may have been built since.
    if (!files.has('index.html')) files = readFiles(folder)
    const page = files.get('index.html')
    if (!page)
      throw new HttpError(503, 'the page has not been built: run `npm start` once, or `node router/ui/build.mjs`')
    return send(request, reply, page, pageKept)
  })
  app.get('/assets/:name', async (request, reply) => {
    const file = files.get((request.params as { name: string }).name)
    if (!file) throw new HttpError(404, 'the page has no such file')
    // Under a name without its version it may be another file after an upgrade.
    const isItself = (request.query as { v?: string }).v === file.version
    return send(request, reply, file, isItself ? assetKept : 'no-cache')
  })
}

function send({ headers }: FastifyRequest, reply: FastifyReply, file: PageFile, cache: string): FastifyReply {
  const zip = /(?:^|,)\s*(?:gzip|\*)\s*(?:,|$|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))/i.test(
    String(headers['accept-encoding'] ?? ''),
  )
  const etag = zip ? `"${file.version}-gzip"` : `"${file.version}"`
  reply.headers({ ...security, etag, 'cache-control': cache, vary: 'Accept-Encoding' })
  if (headers['if-none-match'] === etag) return reply.code(304).send()
  if (zip) reply.header('content-encoding', 'gzip')
  return reply.type(file.type).send(zip ? file.zipped : file.bytes)
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
    if (type) files.set(name, fileOf(type, readFileSync(join(folder, name))))
  }
  const page = files.get('index.html')
  if (page) files.set('index.html', fileOf(page.type, namingVersions(page.bytes, files)))
  return files
}

/** The page names its files with their versions, so that browsers may keep them. */
function namingVersions(page: Buffer, files: ReadonlyMap<string, PageFile>): Buffer {
  const named = page
    .toString()
    .replace(/\/assets\/([\w.-]+)/g, (path, name: string) => `${path}?v=${files.get(name)?.version ?? ''}`)
  return Buffer.from(named)
}

function fileOf(type: string, bytes: Buffer): PageFile {
  const version = createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
  return { type, version, bytes, zipped: gzipSync(bytes) }
}
