import { Command } from 'commander'
import { register as registerApp } from './commands/app.ts'
import { register as registerCluster } from './commands/cluster.ts'
import { register as registerPackage } from './commands/package.ts'
import { register as registerResources } from './commands/resources.ts'
import { register as registerShell } from './commands/shell.ts'
import { didYouMean } from './output/nearest.ts'

/**
 * The whole command line. Every command loads its work only when it runs: help and completion touch no network and load no
 * server code.
 */
export function createProgram(): Command {
  const program = new Command('meseta')
  program
    .description('A datacenter operating system: many machines behave as one.')
    .version('meseta.version=0.1.0', '--version', 'show the version')
    .helpOption('-h, --help', 'show usage help')
    .helpCommand('help [command]', 'show usage help for a command')
    .configureHelp({ sortSubcommands: true, sortOptions: true, showGlobalOptions: true })
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .exitOverride()
  for (const register of [registerCluster, registerPackage, registerApp, registerResources, registerShell])
    register(program)
  for (const command of withDescendants(program)) harden(command)
  return program
}

function* withDescendants(command: Command): Generator<Command> {
  yield command
  for (const child of command.commands) yield* withDescendants(child)
}

/** A group called with an unknown word names it and what may have been meant; alone it shows its help. */
function harden(command: Command): void {
  command.exitOverride().configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'Error: ')) })
  if (command.commands.length === 0) return
  command
    .argument('[word]')
    .allowExcessArguments()
    .action((word: string | undefined) => {
      if (word === undefined) return command.outputHelp()
      const known = command.commands.flatMap(child => [child.name(), ...child.aliases()])
      const hint = didYouMean(word, known)
      process.stderr.write(`Error: unknown command "${word}" for "${pathOf(command)}"\n${hint ? `${hint}\n` : ''}`)
      process.exitCode = 2
    })
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}
