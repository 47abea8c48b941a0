import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
/** The command as it runs from a checkout: arguments of Node.js. */
export const command = [
  '--conditions=meseta-source',
  fileURLToPath(new URL('../../../scripts/meseta.mjs', import.meta.url)),
]

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Arguments of Node.js itself. */
  readonly node?: readonly string[]
}

/** An environment with nothing of the test runner's, and no cluster of this user's. */
export const cleanEnv = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: `${tmpdir()}/meseta-no-home`,
  TMPDIR: tmpdir(),
  LANG: 'C.UTF-8',
  ...more,
})

export type Running = ChildProcessByStdio<Writable, Readable, Readable>

export function start(args: readonly string[], options: RunOptions = {}): Running {
  return spawn(process.execPath, [...(options.node ?? []), ...command, ...args], {
    cwd: root,
    env: cleanEnv(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** Runs `meseta <args>` to its end, without a terminal. */
export async function meseta(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = start(args, options)
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code: code as number | null, stdout, stderr }
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** What a stream has said, once `wanted` is in it; the last words when it ends or `limit` (ms) passes before. */
export async function said(stream: Readable, wanted: RegExp, limit = 20_000): Promise<string> {
  let heard = ''
  const late = AbortSignal.timeout(limit)
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`${wanted} was not said, but: ${heard}`))
    late.addEventListener('abort', fail, { once: true })
    stream.once('end', fail)
    stream.on('data', (chunk: Buffer) => {
      heard += chunk.toString('utf8')
      if (wanted.test(heard)) resolve(heard)
    })
  })
}
