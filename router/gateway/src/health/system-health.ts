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

/** Components that are asked at the same time. */
const atOnce = 256

/** Asks every component for its health. Answers in their order. */
export async function askAll(components: readonly Asked[]): Promise<Unit[]> {
  const units: Unit[] = []
  let next = 0
  const askInTurn = async () => {
    while (next < components.length) {
      const turn = next
      next += 1
      units[turn] = await ask(components[turn]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, components.length) }, askInTurn))
  return units
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
    const text = (await firstBytes(body, mostOutput)).toString()
    const good = statusCode === 200
    return { ...unit, health: good ? 0 : 1, output: good ? '' : text || `it answered ${statusCode}` }
  } catch (error) {
    return { ...unit, health: 3, output: error instanceof Error ? error.message : String(error) }
  }
}
