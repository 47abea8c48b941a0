import type { ServerProcess } from '../../src/coordination/server-process.ts'

/** A server outlives who started it; one of a test that fails or runs out of time must not. */
export function endsWithTest(server: ServerProcess): void {
  const end = () => server.signal('SIGKILL')
  process.once('exit', end)
  void server.exited.then(() => process.removeListener('exit', end))
}
