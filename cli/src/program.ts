import { mesetaVersion } from '@meseta/common/service/version'
import { Command, Option } from 'commander'
import { register as registerApp } from './commands/app.ts'
import { register as registerCluster } from './commands/cluster.ts'
import { register as registerPackage } from './commands/package.ts'
import { register as registerResources } from './commands/resources.ts'
import { register as registerShell } from './commands/shell.ts'
import { formatHelp, pathOf } from './output/help.ts'
import { didYouMean } from './output/nearest.ts'
import { usageError } from './output/usage-error.ts'

/**
 * The whole command line. Every command loads its work only when it runs: help and completion touch no network and load no
 * server code.
 */
export function createProgram(): Command {
  const program = new Command('meseta')
  program
    .description('A datacenter operating system: many machines behave as one.')
    .version(`meseta.version=${mesetaVersion}`, '--version', 'Print version information')
    .helpOption('-h, --help', 'Show usage help')
    .configureHelp({ formatHelp })
    .addOption(verbosity())
    .on('option:v', () => {
      process.env.MESETA_VERBOSITY = String(Number(process.env.MESETA_VERBOSITY ?? 0) + 1)
    })
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
  for (const register of [registerCluster, registerPackage, registerApp, registerResources, registerShell])
    register(program)
  program
    .command('help')
    .description('show usage help for a command')
    .argument('[command...]')
    .action((words: string[]) => showHelp(program, words))
  for (const command of withDescendants(program)) harden(command)
  return program
}

/** `-v`, and `-vv`, which is `-v` twice: which requests are sent, and what is in them (contract of the command line, 1). */
function verbosity(): Option {
  const option = new Option('-v', 'Output verbosity (verbose or very verbose)')
  option.flags = '-v, -vv'
  return option
}

export function* withDescendants(command: Command): Generator<Command> {
  yield command
  for (const child of command.commands) yield* withDescendants(child)
}

const childOf = (command: Command, word: string): Command | undefined =>
  command.commands.find(child => child.name() === word || child.aliases().includes(word))

/** `meseta help app list`, and `meseta app help list`. */
function showHelp(from: Command, words: readonly string[]): void {
  let command = from
  for (const word of words) {
    const child = childOf(command, word)
    if (!child) {
      refuseWord(command, word)
      return
    }
    command = child
  }
  command.outputHelp()
}

/** A group called with an unknown word names it and what may have been meant; alone it shows its help. */
function harden(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(usageError(text, command, pathOf(command))) })
  if (command.commands.length === 0) return
  command
    .argument('[command]')
    .argument('[words...]')
    .allowUnknownOption()
    .action((word: string | undefined, words: string[]) => {
      if (word === undefined) command.outputHelp()
      else if (word === 'help') showHelp(command, words)
      else refuseWord(command, word)
    })
}

function refuseWord(command: Command, word: string): void {
  const known = command.commands
    .filter(child => !child.name().startsWith('_'))
    .flatMap(child => [child.name(), ...child.aliases()])
  const path = pathOf(command)
  // Groups take no flags but --help.
  if (word.startsWith('-')) command.error(`error: unknown option '${word}'`)
  const hint = didYouMean(word, known) ?? `hint: \`${path} --help\` shows its commands`
  process.stderr.write(`Error: unknown command "${word}"${command.parent ? ` for "${path}"` : ''}\n${hint}\n`)
  process.exitCode = 2
}
