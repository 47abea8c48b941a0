// Run after each change of dependencies. `npm ci` refuses a lockfile that lacks optional platform
// packages, and a registry that does not serve all platforms leaves them out of it. This adds an
// entry for each `optionalDependencies` name that has none, gated by the platform in its name.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
  'wasi',
]
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32']

let added = 0
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${path}/node_modules/${name}`
    const hoisted = `node_modules/${name}`
    if (lock.packages[nested] || lock.packages[hoisted]) continue
    const parts = name.split(/[-/]/)
    const os = systems.filter(system => parts.includes(system))
    const cpu = processors.filter(processor => parts.includes(processor))
    if (os.length === 0 && cpu.length === 0) continue
    lock.packages[hoisted] = { version: range.replace(/^[^0-9]*/, ''), optional: true, os, cpu }
    added += 1
  }
}
const sorted = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
lock.packages = sorted
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
process.stderr.write(`${added} platform packages added to the lockfile\n`)
