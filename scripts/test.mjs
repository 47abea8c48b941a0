// Runs every check and every test, and closes with one line: `N passed, N failed[, N skipped]`.
// Arguments are passed to the test runner (file names, `--grep=…`); `--no-lint` leaves the checks out.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const args = process.argv.slice(2)
const lint = !args.includes('--no-lint')
const wanted = args.filter(argument => argument !== '--no-lint')

let failedChecks = 0
if (lint) {
  const result = spawnSync(process.execPath, [join(root, 'scripts/lint.mjs')], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (result.status !== 0) failedChecks = 1
}

const tap = spawn(process.execPath, [join(root, 'node_modules/tap/dist/esm/run.mjs'), '--reporter=tap', ...wanted], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
})

let totals = {}
for await (const line of createInterface({ input: tap.stdout })) {
  process.stdout.write(`${line}\n`)
  // The runner's last comment counts all: `# { total: 6, pass: 3, fail: 1, todo: 1, skip: 1 }`, zeroes left out.
  const found = /^# \{ (total: .*) \}$/.exec(line)
  if (found)
    totals = Object.fromEntries(
      found[1]
        .split(', ')
        .map(part => part.split(': '))
        .map(([name, count]) => [name, Number(count)]),
    )
}
const [code] = tap.exitCode === null ? await once(tap, 'exit') : [tap.exitCode]

const passed = totals.pass ?? 0
let failed = (totals.fail ?? 0) + failedChecks
// A file that crashes may not be counted by the runner: an exit code other than 0 is at least one failure.
if (code !== 0 && failed === 0) failed = 1
if (passed === 0 && failed === 0) failed = 1
const skipped = (totals.skip ?? 0) + (totals.todo ?? 0)
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
process.exit(failed > 0 ? 1 : 0)
