import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A server of a benchmark in a process of its own: it tells its port as its first message. */
export async function startServer(
  file: string,
  args: readonly string[] = [],
): Promise<{ port: number; child: ChildProcess; stop(): void }> {
  const path = fileURLToPath(new URL(`../servers/${file}`, import.meta.url))
  const child = fork(path, [...args], {
    execArgv: [...process.execArgv],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', message => resolve(Number(message)))
    child.once('exit', code => reject(new Error(`${file} ended with ${code} before it served`)))
    child.once('error', reject)
  })
  return { port, child, stop: () => child.disconnect() }
}
