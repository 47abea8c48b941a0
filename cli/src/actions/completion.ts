import type { Command } from 'commander'
import { type Candidate, names } from '../client/names.ts'
import { Failure } from '../output/failure.ts'

/**
 * What each shell sources. Names come from the cluster, and tasks may be called anything: the scripts take them as they are and
 * never let the shell read them as code (bash's `compgen -W` would).
 */
const scripts: Readonly<Record<string, string>> = {
  bash: `_meseta() {
  local line word="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    line="\${line%%$'\\t'*}"
    [[ "$line" == "$word"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
  done < <(meseta __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _meseta meseta
`,
  zsh: `#compdef meseta
_meseta() {
  local -a lines shown
  local line
  lines=("\${(@f)$(meseta __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "\${lines[@]}"; do
    [[ -n "$line" ]] && shown+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#shown} )); then _describe 'meseta' shown; else _files; fi
}
compdef _meseta meseta
`,
  fish: `function __meseta_complete
    set -l words (commandline -opc)
    meseta __complete $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c meseta -a '(__meseta_complete)'
`,
}

const shells = Object.keys(scripts)

/** The script that makes a shell complete words of this command line. */
export function script(shell: string): void {
  if (!Object.hasOwn(scripts, shell)) {
    throw new Failure(`there is no completion for "${shell}"`, {
      exit: 'usage',
      hint: `the shells are ${shells.join(', ')}`,
    })
  }
  process.stdout.write(scripts[shell]!)
}

/** Prints what may stand at the last word, with a description behind a tab. Fails silently: a shell waits for it. */
export async function complete(program: Command, words: readonly string[]): Promise<void> {
  try {
    const typed = words.at(-1) ?? ''
    const found = await candidates(program, words.slice(0, -1), typed)
    const lines = found
      .filter(([word]) => word.startsWith(typed) && !/[\t\n\r]/.test(word))
      .map(([word, text]) => `${word}\t${text.replace(/\s+/g, ' ').trim()}\n`)
    process.stdout.write(lines.join(''))
  } catch {
    // Nothing to offer.
  }
}

async function candidates(program: Command, before: readonly string[], typed: string): Promise<readonly Candidate[]> {
  const { command, position, values, open } = read(program, before)
  if (open) return (open.argChoices ?? []).map(choice => [choice, ''])
  if (typed.startsWith('-')) return flagsOf(command)
  if (command.commands.length > 0) return position === 0 ? commandsOf(command) : []
  const argument = command.registeredArguments[position] ?? command.registeredArguments.at(-1)
  if (!argument || (position > 0 && !argument.variadic)) return []
  if (argument.name() === 'shell') return shells.map(shell => [shell, ''])
  if (argument.name() === 'component') return (await components()).map(name => [name, ''])
  return names(command.parent?.name() ?? '', command.name(), argument.name(), values)
}

const components = async () => (await import('../cluster/components.ts')).componentNames

interface Read {
  readonly command: Command
  /** How many arguments stand before. */
  readonly position: number
  /** Options that were given, by name. */
  readonly values: Readonly<Record<string, string>>
  /** The option whose value comes next. */
  readonly open: Command['options'][number] | undefined
}

/** Reads the words before the one that is completed. */
function read(program: Command, words: readonly string[]): Read {
  let command = program
  let position = 0
  let open: Read['open']
  const values: Record<string, string> = {}
  for (const word of words) {
    if (open) {
      values[open.attributeName()] = word
      open = undefined
    } else if (word.startsWith('-')) {
      const [name, value] = word.split('=', 2)
      const option = command.options.find(({ long, short }) => long === name || short === name)
      if (option && value !== undefined) values[option.attributeName()] = value
      else if (option?.required) open = option
    } else {
      const child = command.commands.find(candidate => candidate.name() === word)
      if (child) command = child
      else position += 1
    }
  }
  return { command, position, values, open }
}

const commandsOf = (command: Command): Candidate[] =>
  command.commands.filter(child => !child.name().startsWith('_')).map(child => [child.name(), child.description()])

const flagsOf = (command: Command): Candidate[] => [
  ...command.options.flatMap(({ long, description }) => (long ? [[long, description] as const] : [])),
  ['--help', 'show usage help'],
]
