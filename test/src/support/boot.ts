import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type ClusterJson, mesetaDone, readCluster } from './cluster.ts'

export interface Booted {
  readonly workDir: string
  /** As it is now: the leader and the pids change. */
  cluster(): ClusterJson
}

/** A cluster of its own for a test file, started as a person starts it and ended with the test. */
export async function bootCluster(t: Test, args: readonly string[] = []): Promise<Booted> {
  const workDir = mkdtempSync(join(tmpdir(), 'meseta-test-'))
  t.teardown(async () => {
    await mesetaDone(['down', '--work-dir', workDir], 100_000)
    rmSync(workDir, { recursive: true, force: true })
  })
  await mesetaDone(['up', '--detach', '--json', '--work-dir', workDir, ...args], 150_000)
  return { workDir, cluster: () => readCluster(workDir) }
}
