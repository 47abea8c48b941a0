import type { ChildProcess } from 'node:child_process'
import { get } from 'node:http'
import { type Bench, bounded, compared, median, type Result } from './bench.ts'
import { startServer } from './support/child.ts'

interface Seen {
  /** Resident bytes: before there was anything, with the whole cluster, and now. */
  readonly empty: number
  readonly filled: number
  readonly rss: number
  readonly longestTurn: number
  readonly slowestRead: number
}

/** Reads an answer and throws it away. Answers how many bytes it had, and how long it took, ms. */
function read(port: number, path: string): Promise<{ bytes: number; duration: number }> {
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, response => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('end', () => resolve({ bytes, duration: performance.now() - begun }))
      response.on('error', reject)
    })
    request.on('error', reject)
  })
}

function look(child: ChildProcess): Promise<Seen> {
  return new Promise(resolve => {
    child.once('message', message => resolve(message as Seen))
    child.send('look')
  })
}

const mib = 1024 * 1024
const rate = ({ bytes, duration }: { bytes: number; duration: number }): number => bytes / mib / (duration / 1000)

/** Reads a path some times, beside as many bytes of the bare server, in turns. */
async function compare(
  served: { readonly port: number; readonly child: ChildProcess },
  bare: { readonly port: number },
  path: string,
  rounds: number,
): Promise<{ rates: number[]; peers: number[]; seen: Seen[]; bytes: number }> {
  const rates: number[] = []
  const peers: number[] = []
  const seen: Seen[] = []
  let bytes = 0
  for (let round = 0; round < rounds; round++) {
    await look(served.child)
    const answer = await read(served.port, path)
    bytes = answer.bytes
    seen.push(await look(served.child))
    rates.push(rate(answer))
    peers.push(rate(await read(bare.port, `/${answer.bytes}`)))
  }
  return { rates, peers, seen, bytes }
}

export const bench: Bench = {
  name: 'state',
  summary: 'what reading the whole state costs the others, beside a bare node:http stream of as many bytes',
  async run({ quick, say }): Promise<Result[]> {
    const [agents, tasks] = quick ? [10_000, 100_000] : [50_000, 500_000]
    const rounds = quick ? 3 : 5
    say(`fills the read side with ${agents} agents and ${tasks} tasks`)
    const served = await startServer('read-side.ts', [String(agents), String(tasks)])
    const bare = await startServer('bytes.ts')
    try {
      const results: Result[] = []
      const { empty, filled } = await look(served.child)
      results.push(
        bounded('resident memory of the read side by task, agents included', 'bytes', (filled - empty) / tasks, 3_000),
      )
      for (const [path, name, least] of [
        ['/state', '/state', 0.3],
        ['/get-state', 'GET_STATE in protobuf', 0.1],
      ] as const) {
        const { rates, peers, seen, bytes } = await compare(served, bare, path, rounds)
        say(`${name}: ${(bytes / mib).toFixed(0)} MiB`)
        results.push(
          compared(
            `${name} of ${agents} agents and ${tasks} tasks`,
            'MiB/s',
            median(rates),
            { name: 'bare node:http', value: median(peers) },
            { least },
          ),
          bounded(`longest turn of the main thread while ${name} is read`, 'ms', worst(seen, 'longestTurn'), 50),
          bounded(`longest wait of a small read while ${name} is read`, 'ms', worst(seen, 'slowestRead'), 50),
        )
      }
      return results
    } finally {
      served.stop()
      bare.stop()
    }
  },
}

const worst = (seen: readonly Seen[], what: 'longestTurn' | 'slowestRead'): number =>
  Math.max(...seen.map(one => one[what]))
