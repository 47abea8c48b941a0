import { type Bench, compared, median } from './bench.ts'
import { httpLoad, httpLoadBy } from './clients/http-load.ts'
import { startServer } from './support/child.ts'

export const bench: Bench = {
  name: 'gateway',
  summary: 'requests for 1 kB through /service/<name>/, beside the same service reached directly',
  async run({ quick, say }) {
    const hello = await startServer('hello.ts')
    const gateway = await startServer('gateway-server.ts', [String(hello.port)])
    const direct = `http://127.0.0.1:${hello.port}/`
    const routed = `http://127.0.0.1:${gateway.port}/service/hello/`
    try {
      const seconds = quick ? 2 : 5
      const rounds = quick ? 3 : 5
      const ours: number[] = []
      const peers: number[] = []
      // Until both run compiled.
      await httpLoad(direct, 3)
      await httpLoad(routed, 5)
      for (let round = 1; round <= rounds; round += 1) {
        say(`round ${round} of ${rounds}, sent by ${httpLoadBy()}`)
        peers.push(await httpLoad(direct, seconds))
        ours.push(await httpLoad(routed, seconds))
      }
      return [compared('requests', '1/s', median(ours), { name: 'direct', value: median(peers) }, { least: 0.2 })]
    } finally {
      gateway.stop()
      hello.stop()
    }
  },
}
