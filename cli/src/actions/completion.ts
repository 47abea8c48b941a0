import type { Command } from 'commander'
import { findRouter } from '../client/find-cluster.ts'
import { Failure } from '../output/failure.ts'

const scripts: Readonly<Record<string, string>> = {
  bash: `_meseta() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(meseta __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _meseta meseta
`,
  zsh: `#compdef meseta
_meseta() {
  local -a lines
  lines=("\${(@f)$(meseta __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  lines=("\${(@)lines/$'\\t'/:}")
  _describe 'meseta' lines
}
compdef _meseta meseta
`,
  fish: `complete -c meseta -f -a '(meseta __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
}

/** The script that makes a shell complete words of this command line. */
export function script(shell: string): void {
  const text = scripts[shell]
  if (text === undefined) {
    throw new Failure(`there is no completion for "${shell}"`, {
      exit: 'usage',
      hint: `the shells are ${Object.keys(scripts).join(', ')}`,
    })
  }
  process.stdout.write(text)
}

/** Longest wait for names that only the cluster knows. */
const patience = 1_000

/** Prints what may stand at the last word, with a description behind a tab. Fails silently: a shell waits for it. */
export async function complete(program: Command, words: readonly string[]): Promise<void> {
  try {
    const typed = words.at(-1) ?? ''
    const { command, position } = descend(program, words.slice(0, -1))
    const candidates = typed.startsWith('-')
      ? flagsOf(command)
      : [...commandsOf(command), ...(await argumentsOf(command, position))]
    for (const [word, text] of candidates) if (word.startsWith(typed)) process.stdout.write(`${word}\t${text}\n`)
  } catch {
    // Nothing to offer.
  }
}

type Candidate = readonly [word: string, text: string]

function descend(program: Command, words: readonly string[]): { command: Command; position: number } {
  let command = program
  let position = 0
  for (const word of words) {
    if (word.startsWith('-')) continue
    const child = command.commands.find(candidate => candidate.name() === word)
    if (child) command = child
    else position += 1
  }
  return { command, position }
}

const commandsOf = (command: Command): Candidate[] =>
  command.commands.filter(child => !child.name().startsWith('__')).map(child => [child.name(), child.description()])

const flagsOf = (command: Command): Candidate[] =>
  command.options.flatMap(option => (option.long ? [[option.long, option.description] as const] : []))

/** Live names for arguments that are called app ids, packages or tasks. */
async function argumentsOf(command: Command, position: number): Promise<Candidate[]> {
  if (position > 0 || command.registeredArguments.length === 0) return []
  const path = `${command.parent?.name()} ${command.name()}`
  const get = async <Body>(url: string, init: RequestInit = {}): Promise<Body> => {
    const answer = await fetch(`${findRouter({})}${url}`, { ...init, signal: AbortSignal.timeout(patience) })
    return (await answer.json()) as Body
  }
  if (path.startsWith('app ')) {
    const { apps } = await get<{ apps: { id: string; instances: number }[] }>('/marathon/v2/apps')
    return apps.map(({ id, instances }) => [id, `${instances} instances`])
  }
  if (path === 'package uninstall') {
    const { apps } = await get<{ apps: { labels?: Record<string, string> }[] }>('/marathon/v2/apps')
    return apps.flatMap(({ labels }) =>
      labels?.DCOS_PACKAGE_NAME ? [[labels.DCOS_PACKAGE_NAME, 'installed'] as const] : [],
    )
  }
  if (path.startsWith('package ')) {
    const media = (direction: string) =>
      `application/vnd.dcos.package.search-${direction}+json;charset=utf-8;version=v1`
    const { packages } = await get<{ packages: { name: string; description: string }[] }>('/package/search', {
      method: 'POST',
      headers: { 'content-type': media('request'), accept: media('response') },
      body: '{}',
    })
    return packages.map(({ name, description }) => [name, description.split('\n')[0]!.slice(0, 60)])
  }
  if (path.startsWith('task ')) {
    const { tasks } = await get<{ tasks: { id: string; state: string }[] }>('/mesos/master/tasks?limit=-1')
    return tasks.map(({ id, state }) => [id, state])
  }
  return []
}
