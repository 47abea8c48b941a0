// Writes each built-in package's marathon.json.mustache from src/marathon.json.mustache and src/program.mjs beside it: the program,
// with lib/service.mjs in front, becomes the text of the variable MESETA_PROGRAM. `node universe/packages/build.mjs [--check]`;
// with --check it writes nothing, and fails when something is not as it would write it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const libraryImport = /^import \{[^}]*\} from '[./]*lib\/service\.mjs'\n/m

/** A program as one file: the library without its exports, then the program without its import of the library. */
export function bundle(program, library) {
  if (!libraryImport.test(program)) throw new Error('the program must import from lib/service.mjs')
  return `${library.replaceAll(/^export /gm, '')}\n${program.replace(libraryImport, '')}`
}

/** The template with the program in the place of "@PROGRAM@". */
export function embed(template, program) {
  if (/\{\{|\}\}/.test(program))
    throw new Error('the program must not hold two braces in a row: they are tags in a template')
  if (template.split('"@PROGRAM@"').length !== 2) throw new Error('the template must hold "@PROGRAM@" once')
  return template.replace('"@PROGRAM@"', () => JSON.stringify(program))
}

export function* sources() {
  for (const letter of readdirSync(root).filter(name => /^[A-Z]$/.test(name))) {
    for (const name of readdirSync(join(root, letter))) {
      for (const release of readdirSync(join(root, letter, name))) {
        const folder = join(root, letter, name, release)
        if (existsSync(join(folder, 'src/program.mjs'))) yield folder
      }
    }
  }
}

export function render(folder) {
  const read = path => readFileSync(path, 'utf8')
  const program = bundle(read(join(folder, 'src/program.mjs')), read(join(root, 'lib/service.mjs')))
  return embed(read(join(folder, 'src/marathon.json.mustache')), program)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of sources()) {
    const target = join(folder, 'marathon.json.mustache')
    const text = render(folder)
    if (existsSync(target) && readFileSync(target, 'utf8') === text) continue
    if (!process.argv.includes('--check')) writeFileSync(target, text)
    else {
      process.stderr.write(
        `${relative(process.cwd(), target)} is not what its sources give: run ${relative(process.cwd(), fileURLToPath(import.meta.url))}\n`,
      )
      process.exitCode = 1
    }
  }
}
