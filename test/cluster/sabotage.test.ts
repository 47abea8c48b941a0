import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { sweep } from '../src/demo/journeys.ts'
import { bootCluster } from '../src/support/boot.ts'
import { missingServers } from '../src/support/servers.ts'

// The demo must notice each component that does not work, and say at which step.
const root = fileURLToPath(new URL('../..', import.meta.url))
t.setTimeout(590_000)
/** Seconds that a step of the demo waits: enough for a healthy cluster, short for a broken one. */
const patience = 8

/** What each component's absence is first noticed by. */
const noticed: Readonly<Record<string, readonly string[]>> = {
  master: ['install a package'],
  agent: ['install a package'],
  marathon: ['install a package'],
  universe: ['install a package'],
  gateway: ['install a package'],
  dns: ['resolve its name'],
  balancer: ['reach it by virtual IP'],
}

async function demo(workDir: string): Promise<{ code: number; failedStep: string | undefined }> {
  const args = ['--conditions=meseta-source', '--import', './scripts/tsx.mjs', 'test/src/demo.ts']
  const child = spawn(process.execPath, [...args, '--json', '--cluster', workDir, '--patience', String(patience)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', chunk => {
    text += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? -1, failedStep: (JSON.parse(text) as { failed_step?: string }).failed_step }
}

t.test(
  'the demo fails, and names the step, when a component stands still',
  { skip: missingServers(), timeout: 590_000 },
  async t => {
    const booted = await bootCluster(t, ['--processes'])
    for (const [component, steps] of Object.entries(noticed)) {
      await t.test(component, { timeout: 90_000 }, async t => {
        const victims = booted.cluster().processes.filter(process => process.component === component)
        t.ok(victims.length > 0)
        for (const { pid } of victims) process.kill(pid, 'SIGSTOP')
        try {
          const { code, failedStep } = await demo(booted.workDir)
          t.not(code, 0)
          t.ok(steps.includes(failedStep ?? ''), `failed at: ${failedStep}`)
        } finally {
          for (const { pid } of victims) process.kill(pid, 'SIGCONT')
        }
        await sweep(booted.cluster().router, 40_000)
      })
    }
  },
)
