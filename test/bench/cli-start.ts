import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bench, compared, median } from './bench.ts'

const launcher = fileURLToPath(new URL('../../scripts/meseta.mjs', import.meta.url))

/** Wall time of one run, milliseconds. */
function time(args: readonly string[]): number {
  const begun = performance.now()
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`)
  return performance.now() - begun
}

export const bench: Bench = {
  name: 'cli-start',
  summary: '`meseta --help` from start to end, beside an empty Node.js script',
  async run({ quick, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'meseta-bench-'))
    try {
      const empty = join(folder, 'empty.mjs')
      writeFileSync(empty, '')
      const help = ['--conditions=meseta-source', launcher, '--help']
      // The first run fills the compile cache, as a person's first command does.
      time(help)
      const rounds = quick ? 11 : 31
      say(`${rounds} rounds, the two in turn`)
      const ours: number[] = []
      const peers: number[] = []
      for (let round = 0; round < rounds; round += 1) {
        ours.push(time(help))
        peers.push(time([empty]))
      }
      return [
        compared('meseta --help', 'ms', median(ours), { name: 'empty script', value: median(peers) }, { most: 2.5 }),
      ]
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
