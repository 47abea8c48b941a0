// The checks that need no running software: types, format and lint, and the laws of the house.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = name => join(root, 'node_modules/.bin', name)

/** Which Meseta packages each package may import. Down only, and never sideways: components meet on the wire. */
const allowed = {
  common: [],
  master: ['common'],
  agent: ['common'],
  'frameworks/sdk': ['common'],
  'frameworks/marathon': ['common', 'sdk'],
  universe: ['common'],
  'router/gateway': ['common', 'ui'],
  'router/dns': ['common'],
  'router/balancer': ['common'],
  'router/ui': [],
  cli: ['common', 'master', 'agent', 'marathon', 'universe', 'gateway', 'dns', 'balancer', 'ui'],
  test: ['common', 'master', 'agent', 'sdk', 'marathon', 'universe', 'gateway', 'dns', 'balancer', 'ui', 'cli'],
}

/** Ambient state belongs to the process shell and the command line: everything else gets it through its context. */
const ambient = [
  [/\bprocess\.env\b/, 'reads the environment'],
  [/\bprocess\.chdir\b/, 'changes the working directory'],
  [/\bprocess\.(on|once)\(/, 'installs a process handler'],
  [/\bprocess\.exit\b/, 'ends the process'],
]
const shell = ['cli/src/', 'common/src/service/', 'test/', 'router/ui/build.mjs', 'universe/packages/']

/** Pure hearts read no clock and draw no random number. */
const pure = [
  /^common\/src\/resources\//,
  /^master\/src\/(state|allocator|security)\//,
  /^agent\/src\/(updates|core)\//,
  /^frameworks\/marathon\/src\/core\//,
  /^router\/dns\/src\/records\//,
  /^router\/balancer\/src\/table\//,
  /^universe\/src\/render\//,
]
const impure =
  /\b(Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|setInterval\(|performance\.now\(|randomUUID\(|randomBytes\()/

function* sources(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) {
      if (!['node_modules', 'dist', 'data'].includes(entry.name)) yield* sources(path)
    } else if (/\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts')) yield path
  }
}

function checkLaws() {
  const broken = []
  for (const [folder, mayImport] of Object.entries(allowed)) {
    for (const path of sources(folder)) {
      const text = readFileSync(join(root, path), 'utf8')
      const isTest = path.includes('/test/') || path.startsWith('test/')
      for (const [, name] of text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
        const scoped = /^@meseta\/([^/]+)/.exec(name)?.[1]
        if (scoped && !mayImport.includes(scoped))
          broken.push(`${path}: imports @meseta/${scoped}; ${folder} may import ${mayImport.join(', ') || 'none'}`)
        if (name.startsWith('.')) {
          const target = relative(root, join(root, dirname(path), name))
          if (!target.startsWith(folder + sep)) broken.push(`${path}: reaches out of its package to ${target}`)
        }
      }
      if (isTest) continue
      text.split('\n').forEach((line, index) => {
        const code = line.replace(/\/\/.*$/, '')
        if (!shell.some(prefix => path.startsWith(prefix))) {
          for (const [pattern, what] of ambient) if (pattern.test(code)) broken.push(`${path}:${index + 1}: ${what}`)
        }
        if (pure.some(pattern => pattern.test(path)) && impure.test(code))
          broken.push(`${path}:${index + 1}: reads a clock or draws a random number in a pure heart`)
      })
    }
  }
  for (const line of broken) process.stdout.write(`law broken: ${line}\n`)
  return broken.length === 0
}

function run(title, command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (result.status !== 0) process.stdout.write(`check failed: ${title}\n`)
  return result.status === 0
}

const results = [
  run('types', process.execPath, [bin('tsc'), '-b']),
  run('types of tests', process.execPath, [bin('tsc'), '-p', 'tsconfig.tests.json']),
  run('format and lint', bin('biome'), ['check', '--error-on-warnings', '.']),
  checkLaws(),
]
process.exit(results.every(Boolean) ? 0 : 1)
