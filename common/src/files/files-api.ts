import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { pipeline, type Readable, Transform } from 'node:stream'
import type { FileInfo } from '../protocol/mesos.ts'
import { HttpError } from '../service/errors.ts'
import type { AttachedFiles } from './attached-files.ts'
import { type Listed, modeText } from './listed.ts'

// What masters and agents answer about files: the older endpoints by their query, the v1 calls by their body.

type Query = Readonly<Record<string, string | undefined>>

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

/** `/files/browse?path=`: modes as text. */
export async function browseFiles(files: AttachedFiles, query: Query): Promise<object[]> {
  const listed = await files.browse(pathOf(query))
  return listed.map(file => ({ ...file, mode: modeText(file.mode) }))
}

/** `/files/read?path=&offset=&length=`; without an offset, or with -1, the size of the file in the place of the offset. */
export async function readText(files: AttachedFiles, query: Query): Promise<{ data: string; offset: number }> {
  const path = pathOf(query)
  const offset = numberOf(query, 'offset')
  const length = numberOf(query, 'length')
  if (offset === undefined || offset === -1) return { data: '', offset: (await files.read(path, -1, 0)).size }
  const { data } = await files.read(path, offset, length ?? -1)
  return { data: Buffer.from(data.subarray(0, wholeCharacters(data))).toString('utf8'), offset }
}

/** The file_infos of LIST_FILES. */
export async function listFiles(files: AttachedFiles, path: string): Promise<FileInfo[]> {
  const listed: Listed[] = await files.browse(path)
  return listed.map(file => ({ ...file, mtime: { nanoseconds: file.mtime * 1e9 } }))
}

/** The body of READ_FILE's reply. Without a length: as much as one read gives. */
export async function readBytes(
  files: AttachedFiles,
  { path, offset, length }: { readonly path: string; readonly offset: number; readonly length?: number },
): Promise<{ size: number; data: string }> {
  const { data, size } = await files.read(path, offset, length ?? -1)
  return { size, data: Buffer.from(data).toString('base64') }
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

/** `/files/download?path=`: the file as a whole, as an attachment. */
export async function downloadFile(
  files: AttachedFiles,
  query: Query,
): Promise<{ headers: Record<string, string>; body: Readable | '' }> {
  const { file, name, size } = await files.open(pathOf(query))
  const extension = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  const headers = {
    'content-type': types[extension] ?? 'application/octet-stream',
    'content-length': String(size),
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
    // What a task wrote is shown by no browser as if it were ours.
    'x-content-type-options': 'nosniff',
  }
  if (size > 0) return { headers, body: whole(file, size) }
  await file.close()
  return { headers, body: '' }
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

function pathOf({ path }: Query): string {
  if (path === undefined || path === '') throw new HttpError(400, "Expecting 'path=value' in query.")
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}

function numberOf(query: Query, name: 'offset' | 'length'): number | undefined {
  const text = query[name]
  if (text === undefined) return undefined
  if (!/^-?\d{1,15}$/.test(text))
    throw new HttpError(400, `Failed to parse ${name}: Failed to convert '${text.slice(0, 100)}' to number.`)
  const number = Number(text)
  if (number < -1) throw new HttpError(400, `Negative ${name} provided: ${number}.`)
  return number
}
