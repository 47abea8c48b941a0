import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { pipeline, type Readable, Transform } from 'node:stream'
import { HttpError } from '@meseta/common/service/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Agent } from '../agent.ts'
import { modeText, type SandboxFiles } from '../sandbox/files.ts'
import { asQuery, sendJson } from './replies.ts'

/** Types of files that a browser shows by itself. */
const types: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  log: 'text/plain',
  json: 'application/json',
  html: 'text/html',
  css: 'text/css',
  js: 'text/javascript',
  xml: 'text/xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  svg: 'image/svg+xml',
  gz: 'application/gzip',
  tar: 'application/x-tar',
  zip: 'application/zip',
  pdf: 'application/pdf',
}

/** `/files/browse`, `read`, `download` and `debug` (agent contract, section 1). */
export function serveFiles(app: FastifyInstance, files: SandboxFiles, agent: () => Agent): void {
  app.get('/files/browse', async (request, reply) => {
    const listed = await files.browse(pathOf(request))
    return sendJson(
      request,
      reply,
      listed.map(file => ({ ...file, mode: modeText(file.mode) })),
    )
  })
  app.get('/files/read', async (request, reply) => sendJson(request, reply, await read(files, request)))
  app.get('/files/download', (request, reply) => download(files, request, reply))
  app.get('/files/debug', async (request, reply) => sendJson(request, reply, attachedPaths(agent())))
}

async function read(files: SandboxFiles, request: FastifyRequest): Promise<{ data: string; offset: number }> {
  const path = pathOf(request)
  const offset = numberOf(request, 'offset')
  const length = numberOf(request, 'length')
  if (offset === undefined || offset === -1) return { data: '', offset: (await files.read(path, -1, 0)).size }
  const { data } = await files.read(path, offset, length ?? -1)
  return { data: Buffer.from(data.subarray(0, wholeCharacters(data))).toString('utf8'), offset }
}

/**
 * The length of `data` without a character that is cut at its end: the next read, from this length on, gets it whole. Data that
 * is no text is not shortened.
 */
function wholeCharacters(data: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, data.length - 1); back++) {
    const byte = data[data.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return needs > back ? data.length - back : data.length
  }
  return data.length
}

async function download(files: SandboxFiles, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { file, name, size } = await files.open(pathOf(request))
  const extension = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  reply.header('content-type', types[extension] ?? 'application/octet-stream')
  reply.header('content-length', size)
  reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
  // What a task wrote is shown by no browser as if it were ours.
  reply.header('x-content-type-options', 'nosniff')
  if (size > 0) return reply.send(whole(file, size))
  await file.close()
  return reply.send('')
}

/** The first `size` bytes of a file, which is closed after them. Fails where the file was cut meanwhile: they were promised. */
function whole(file: FileHandle, size: number): Readable {
  let left = size
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length
      done(null, chunk)
    },
    flush: done => done(left > 0 ? new Error('the file was cut short while it was sent') : null),
  })
  return pipeline(createReadStream('', { fd: file, start: 0, end: size - 1 }), counting, () => {})
}

function attachedPaths(agent: Agent): Record<string, string> {
  const { executors } = agent.heart.core
  const paths: Record<string, string> = Object.create(null)
  for (const { framework, id, directory } of executors.values()) {
    paths[`/frameworks/${framework.id}/executors/${id}/runs/latest`] = directory
    paths[directory] = directory
  }
  return paths
}

function pathOf(request: FastifyRequest): string {
  const path = asQuery(request).path
  if (path === undefined || path === '') throw new HttpError(400, "Expecting 'path=value' in query.")
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}

function numberOf(request: FastifyRequest, name: 'offset' | 'length'): number | undefined {
  const text = asQuery(request)[name]
  if (text === undefined) return undefined
  if (!/^-?\d{1,15}$/.test(text))
    throw new HttpError(400, `Failed to parse ${name}: Failed to convert '${text.slice(0, 100)}' to number.`)
  const number = Number(text)
  if (number < -1) throw new HttpError(400, `Negative ${name} provided: ${number}.`)
  return number
}
