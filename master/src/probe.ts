import { addressOf } from './state/offers/offers.ts'

const timeout = 3_000

/** Asks an agent over HTTP whether it lives: any answer says yes. Never rejects; takes at most 3 s. */
export async function probeAgent(pid: string): Promise<boolean> {
  const address = addressOf(pid)
  if (!address) return false
  try {
    const answer = await fetch(`http://${address.ip}:${address.port}/health`, { signal: AbortSignal.timeout(timeout) })
    await answer.body?.cancel()
    return true
  } catch {
    return false
  }
}
