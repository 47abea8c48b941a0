import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Packet } from 'dns2'
import { type Bench, compared, median } from './bench.ts'
import { dnsperf, hasDnsperf } from './clients/dnsperf.ts'
import { udpLoad } from './clients/udp-load.ts'
import { startServer } from './support/child.ts'

const names = Array.from({ length: 1000 }, (_, index) => `app-${index}.marathon.mesos`)

/** A questions for each name, with message ids of their own. */
function questions(): Buffer[] {
  return names.map((name, index) => {
    const packet = new Packet()
    packet.header.id = index + 1
    packet.header.rd = 1
    packet.questions.push({ name, type: Packet.TYPE.A, class: Packet.CLASS.IN } as never)
    return packet.toBuffer()
  })
}

/** Something that asks a port for a time and answers the rate. */
type Ask = (port: number, seconds: number) => Promise<number>

function choose(folder: string): { by: string; ask: Ask } {
  if (hasDnsperf()) {
    const file = join(folder, 'questions')
    writeFileSync(file, names.map(name => `${name} A\n`).join(''))
    return { by: 'dnsperf', ask: async (port, seconds) => dnsperf(port, file, seconds) }
  }
  const queries = questions()
  return { by: 'a client in Node.js', ask: (port, seconds) => udpLoad(port, queries, seconds * 1000) }
}

export const bench: Bench = {
  name: 'dns',
  summary: 'answers to A questions over UDP for 1,000 tasks, beside a node:dgram echo of the same packets',
  async run({ quick, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'meseta-bench-'))
    const { by, ask } = choose(folder)
    const echo = await startServer('udp-echo.ts')
    const dns = await startServer('dns-server.ts', [String(names.length)])
    try {
      const seconds = quick ? 2 : 5
      const rounds = quick ? 3 : 5
      const ours: number[] = []
      const peers: number[] = []
      await ask(echo.port, 1)
      await ask(dns.port, 1)
      for (let round = 1; round <= rounds; round += 1) {
        say(`round ${round} of ${rounds}, asked by ${by}`)
        peers.push(await ask(echo.port, seconds))
        ours.push(await ask(dns.port, seconds))
      }
      return [
        compared('answers', '1/s', median(ours), { name: 'node:dgram echo', value: median(peers) }, { least: 0.7 }),
      ]
    } finally {
      echo.stop()
      dns.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
