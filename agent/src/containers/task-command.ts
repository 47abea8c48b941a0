import type { ContainerSpec } from './launcher.ts'
import type { SupervisorTools } from './supervisor.ts'
import type { UserIds } from './users.ts'

/** What a supervisor is started with: the rest of its command line, and its whole environment. */
export interface TaskCommand {
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** Names that every shell can hold, and that mean nothing to one. */
const plainName = /^[A-Za-z_]\w*$/
const specialName =
  /^(_|_meseta_\d+|BASH\w*|DIRSTACK|EPOCH\w*|E?UID|FUNCNAME|GROUPS|HISTCMD|IFS|LINENO|OPT\w+|POSIXLY_CORRECT|PPID|S?RANDOM|SECONDS|SHELLOPTS)$/

/**
 * How a supervisor becomes the task: first its user, then its environment, then its program. Nothing may run with the agent's
 * rights and the task's environment, which can make the dynamic loader or a shell load what the task likes; so the values travel
 * as `_meseta_0`, `_meseta_1` … until the user is the task's. A command line has names at most: all users of the machine read it.
 */
export function taskCommand(tools: SupervisorTools, spec: ContainerSpec, user: UserIds | undefined): TaskCommand {
  const names = Object.keys(spec.environment)
  const carried = Object.fromEntries(
    Object.values(spec.environment).map((value, index) => [`_meseta_${index}`, value] as const),
  )
  const isPlain = names.every(name => plainName.test(name) && !specialName.test(name))
  return isPlain
    ? { argv: [...asUser(tools, user), ...throughShell(tools, names), ...spec.argv], environment: carried }
    : { argv: [...throughNode(tools, names, user), ...spec.argv], environment: carried }
}

function asUser({ chroot }: SupervisorTools, user: UserIds | undefined): string[] {
  return user === undefined ? [] : [chroot, '--skip-chdir', `--userspec=+${user.uid}:+${user.gid}`, '--groups=', '/']
}

function throughShell({ sh }: SupervisorTools, names: readonly string[]): string[] {
  const exported = names.map((name, index) => `export ${name}="$_meseta_${index}"; unset _meseta_${index}`)
  return [sh, '-c', [...exported, 'exec "$@"'].join('\n'), 'meseta-task']
}

/**
 * For names that a shell drops or takes for its own. Takes no user's right to read Node.js, and leaves no Node.js process: it
 * becomes the task. Signals that Node.js ignores are given handlers, as only those are back at their defaults afterwards.
 */
const nodeScript = `
const self = process
const [names, user, file, ...rest] = self.argv.slice(1)
const environment = Object.fromEntries(JSON.parse(names).map((name, index) => [name, self.env['_meseta_' + index]]))
for (const signal of ['SIGPIPE', 'SIGXFSZ']) self.on(signal, () => {})
if (user !== '') {
  const [uid, gid] = user.split(':').map(Number)
  self.setgroups([])
  self.setgid(gid)
  self.setuid(uid)
}
const { accessSync, constants, statSync } = require('node:fs')
const isProgram = path => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
const folders = (environment.PATH ?? '').split(':').map(folder => folder || '.')
const found = file.includes('/') ? file : folders.map(folder => folder + '/' + file).find(isProgram)
if (found === undefined || !isProgram(found)) {
  console.error(file + ': not found, or not executable')
  self.exitCode = 127
} else self.execve(found, [file, ...rest], environment)
`

function throughNode({ node }: SupervisorTools, names: readonly string[], user: UserIds | undefined): string[] {
  const ids = user === undefined ? '' : `${user.uid}:${user.gid}`
  return [node, '--no-warnings', '-e', nodeScript, '--', JSON.stringify(names), ids]
}
