import { cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import type { Bench, Result } from './bench.ts'

/** Every benchmark by name; loaded when it runs. */
const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  allocator: () => import('./allocator.ts'),
  'cli-start': () => import('./cli-start.ts'),
  dns: () => import('./dns.ts'),
  failover: () => import('./failover.ts'),
  freshness: () => import('./freshness.ts'),
  gateway: () => import('./gateway.ts'),
  launch: () => import('./launch.ts'),
  'launch-at-scale': () => import('./launch-at-scale.ts'),
  memory: () => import('./memory.ts'),
  state: () => import('./state.ts'),
}

const usage = `npm run bench -- <name> [--quick] [--json]
npm run bench -- --list

  --quick  fewer rounds; ends within 50 s
  --json   print one JSON object and nothing else on standard output
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const machine = {
  cpus: cpus().length,
  cpu: cpus()[0]?.model ?? 'unknown',
  memory_gib: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.versions.node,
}

function line({ name, value, unit, peer, ratio, target, met }: Result): string {
  const beside = peer ? `  (${peer.name}: ${peer.value} ${unit}, ratio ${ratio})` : ''
  return `${met ? 'met   ' : 'MISSED'} ${name}: ${value} ${unit}${beside}  target: ${target}\n`
}

async function main(): Promise<number> {
  if (values.list) {
    for (const load of Object.values(benches)) {
      const { bench } = await load()
      process.stdout.write(`${bench.name.padEnd(12)} ${bench.summary}\n`)
    }
    return 0
  }
  const [name] = positionals
  const load = name === undefined ? undefined : benches[name]
  if (values.help || !load) {
    process.stderr.write(`${usage}\nThe benchmarks: ${Object.keys(benches).join(', ')}\n`)
    return values.help ? 0 : 2
  }
  const { bench } = await load()
  const say = (sentence: string) => process.stderr.write(`${sentence}\n`)
  const results = await bench.run({ quick: values.quick, say })
  if (values.json) process.stdout.write(`${JSON.stringify({ bench: bench.name, machine, results })}\n`)
  else {
    process.stdout.write(`${bench.name}: ${bench.summary}\n${machine.cpus} x ${machine.cpu}, Node.js ${machine.node}\n`)
    for (const result of results) process.stdout.write(line(result))
  }
  return 0
}

// A target that is missed is a figure, not an error.
process.exitCode = await main()
