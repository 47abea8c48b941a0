import type { Command, Option } from 'commander'
import { examples } from '../commands/examples.ts'

/** The words by which a command is called: `meseta app list`. */
export function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}

const byName = <Named>(list: readonly Named[], name: (one: Named) => string): Named[] =>
  [...list].sort((a, b) => (name(a) < name(b) ? -1 : 1))

/** A part of the help: its title, then each name at column 4 with its text at 8. */
const part = (title: string, entries: readonly (readonly [name: string, text: string])[]): string =>
  entries.length === 0 ? '' : `\n${title}:\n${entries.map(([name, text]) => `    ${name}\n        ${text}\n`).join('')}`

/** Help in the form of the contract of the command line, 1: text, usage, examples, commands, options. */
export function formatHelp(command: Command): string {
  const path = pathOf(command)
  const isGroup = command.commands.length > 0
  const commands = byName(command.createHelp().visibleCommands(command), child => child.name())
  const options = byName(command.createHelp().visibleOptions(command), option => option.long ?? option.flags)
  const shown = examples[path.split(' ').slice(1).join(' ')] ?? []
  return [
    command.parent ? `${command.description()}\n\n` : '',
    `Usage:\n    ${path}${isGroup ? ' [command]' : `${argumentsOf(command)} [flags]`}\n`,
    shown.length > 0 ? `\nExamples:\n${shown.map(example => `    ${example}\n`).join('')}` : '',
    part(
      'Commands',
      commands.map(child => [child.name(), child.description()]),
    ),
    part(
      'Options',
      options.map(option => [option.flags, textOf(option, command)]),
    ),
    isGroup ? `\nUse "${path} [command] --help" for more information about a command.\n` : '',
  ].join('')
}

const argumentsOf = (command: Command): string =>
  command.registeredArguments
    .map(argument => {
      const name = `${argument.name()}${argument.variadic ? '...' : ''}`
      return argument.required ? ` <${name}>` : ` [${name}]`
    })
    .join('')

function textOf(option: Option, command: Command): string {
  if (option.long === '--help') return command.parent ? `help for ${command.name()}` : 'Show usage help'
  const choices = option.argChoices ? `: ${option.argChoices.join(', ')}` : ''
  const isPlain = typeof option.defaultValue === 'string'
  return `${option.description}${choices}${isPlain ? ` (default ${option.defaultValue})` : ''}`
}
