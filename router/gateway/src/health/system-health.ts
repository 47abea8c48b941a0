import { request } from 'undici'
import { firstBytes } from '../first-bytes.ts'

/** A component as `/system/health/v1` shows it: 0 good, 1 bad, 3 no answer within three seconds (operations contract, 6). */
export interface Unit {
  readonly id: string
  readonly name: string
  readonly health: 0 | 1 | 3
  readonly description: string
  readonly output: string
  readonly help: string
}

/** A component that can be asked: unit id, its name for people, and where it is now. */
export interface Asked {
  readonly id: string
  readonly name: string
  readonly url: string | undefined
}

const patience = 3_000
const mostOutput = 4096

/** Asks every component for its health, at the same time. */
export function askAll(components: readonly Asked[]): Promise<Unit[]> {
  return Promise.all(components.map(ask))
}

async function ask({ id, name, url }: Asked): Promise<Unit> {
  const unit = {
    id,
    name,
    description: `${name}: component of the cluster`,
    help: url ? `${url}/health says more` : '',
  }
  if (url === undefined) return { ...unit, health: 3, output: 'it is not known where this component is' }
  try {
    const { statusCode, body } = await request(`${url}/health`, { signal: AbortSignal.timeout(patience) })
    const text = await firstBytes(body, mostOutput)
    const good = statusCode === 200
    return { ...unit, health: good ? 0 : 1, output: good ? '' : text || `it answered ${statusCode}` }
  } catch (error) {
    return { ...unit, health: 3, output: error instanceof Error ? error.message : String(error) }
  }
}
