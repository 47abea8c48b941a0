import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface DemoOutput {
  readonly ok: boolean
  readonly failed_step?: string
  readonly steps: readonly {
    readonly step: string
    readonly ok: boolean
    readonly error?: string
    readonly counts?: Readonly<Record<string, { sent: number; failed: number; answered: number }>>
  }[]
}

async function demo(args: readonly string[]): Promise<{ code: number; output: DemoOutput }> {
  const child = spawn(
    process.execPath,
    ['--conditions=meseta-source', '--import', './scripts/tsx.mjs', 'test/src/demo.ts', '--json', ...args],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', chunk => {
    text += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? -1, output: JSON.parse(text) as DemoOutput }
}

t.setTimeout(240_000)

t.test('the four journeys hold on a cluster in one process', { timeout: 240_000 }, async t => {
  const { code, output } = await demo([])
  t.same(
    output.steps.filter(({ ok }) => !ok),
    [],
  )
  t.equal(code, 0)
  const upgrade = output.steps.find(({ step }) => step === 'upgrade under load')?.counts
  for (const way of ['vip', 'url']) {
    t.equal(upgrade?.[way]?.failed, 0)
    t.equal(upgrade?.[way]?.answered, upgrade?.[way]?.sent)
  }
})
