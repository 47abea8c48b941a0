import type { Command } from 'commander'

/** A usage error in the words of the contract of the command line, 1, with what to do about it. */
export function usageError(text: string, command: Command, path: string): string {
  const message = text.replace(/^error: /, '').trim()
  const help = `hint: \`${path} --help\` shows what it takes\n`
  const unknown = /^unknown option '([^']*)'(?:\n\((.*)\))?$/s.exec(message)
  if (unknown) {
    const elsewhere = belongsBehind(unknown[1]!, command)
      ? `hint: write it behind the command: \`${path} … ${unknown[1]}\`\n`
      : help
    return `Error: unknown flag: ${unknown[1]}\n${unknown[2] ? `${quoted(unknown[2])}\n` : elsewhere}`
  }
  const missing = /^missing required argument '(.*)'$/.exec(message)
  if (missing) return `Error: ${arity(command)}: <${missing[1]}> is missing\n${help}`
  if (message.startsWith('too many arguments') && command.registeredArguments.length === 0)
    return `Error: unknown command "${command.args[0]}" for "${path}"\n${help}`
  if (message.startsWith('too many arguments')) return `Error: ${arity(command)}\n${help}`
  return `Error: ${message}\n${help}`
}

/** Whether a command of this group takes the flag, which stands before its name. */
function belongsBehind(flag: string, group: Command): boolean {
  const name = flag.replace(/=.*/s, '')
  return group.commands.some(
    child => child.options.some(({ long, short }) => long === name || short === name) || belongsBehind(name, child),
  )
}

/** `Did you mean --json?` with the word in quotes, as everywhere. */
const quoted = (suggestion: string): string => suggestion.replace(/(--[\w-]+)/g, '"$1"')

function arity(command: Command): string {
  const { registeredArguments, args } = command
  const least = registeredArguments.filter(({ required }) => required).length
  if (registeredArguments.at(-1)?.variadic) return `requires at least ${least} arg(s), only received ${args.length}`
  const most = registeredArguments.length
  if (least === most) return `accepts ${most} arg(s), received ${args.length}`
  if (least === 0) return `accepts at most ${most} arg(s), received ${args.length}`
  return `accepts between ${least} and ${most} arg(s), received ${args.length}`
}
