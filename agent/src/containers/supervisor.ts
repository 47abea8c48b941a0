import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/**
 * The supervisor of a plain process: a POSIX shell that outlives the agent, holds the process's stdio and leaves its exit
 * status behind. It runs in a session of its own, as `sh -c <this> meseta-supervisor <control> <ln> <mv> <sync> <argv…>`,
 * with the sandbox's stdout and stderr as descriptors 1 and 3.
 *
 * - It first claims `<control>/pid` by a hard link, which fails when a recovering agent has declared the container dead.
 *   The file holds its own line of /proc, hence its start time. One that can not write it starts nothing: no agent would find it
 *   again.
 * - Signals to the whole tree reach it too: a trap that does nothing keeps it alive, and the subshell restores the defaults.
 * - It may have more rights than the task, and reads nothing of the task's environment (see `task-command.ts`).
 * - `exit` is `<code> <signalled>`: written aside, synced, renamed. Its place on the disk is taken before the task starts, by
 *   blanks that are overwritten: the disk may be full by then. A shell says 128+n for signal n, as a program may exit with
 *   such a code itself; but a shell also reports a signal on its own stderr (`supervisor.log`), save for INT and PIPE.
 */
export const supervisorScript = `
dir=$1 ln=$2 mv=$3 sync=$4
shift 4
trap : HUP INT QUIT TERM USR1 USR2 ALRM
exec 2>"$dir/supervisor.log"
read -r stat </proc/$$/stat
[ -n "$stat" ] && printf '%s\\n' "$stat" >"$dir/pid.own" && printf '%20s\\n' '' >"$dir/exit.own" || exit 125
"$ln" "$dir/pid.own" "$dir/pid" || exit 125
(trap - HUP INT QUIT TERM USR1 USR2 ALRM; exec "$@" 2>&3 3>&-)
code=$?
how=exited
if [ "$code" -gt 128 ]; then
  if [ -s "$dir/supervisor.log" ] || [ "$code" -eq 130 ] || [ "$code" -eq 141 ]; then
    how=signalled
  fi
fi
printf '%s %s\\n' "$code" "$how" 1<>"$dir/exit.own"
"$sync" "$dir/exit.own"
"$mv" "$dir/exit.own" "$dir/exit"
`

/** The programs the supervisor needs, by absolute path: the task's PATH must not decide over them. */
export interface SupervisorTools {
  readonly sh: string
  readonly ln: string
  readonly mv: string
  readonly sync: string
  /** Needed only to switch users. */
  readonly chroot: string
  readonly node: string
}

/**
 * Finds `sh`, `ln`, `mv` and `sync`.
 * @throws {Error} naming what is missing
 */
export function findTools(searchPath: string, node: string): SupervisorTools {
  const find = (name: string, isNeeded = true): string => {
    for (const folder of searchPath.split(':')) {
      const path = join(folder, name)
      if (folder.startsWith('/') && isExecutable(path)) return path
    }
    if (!isNeeded) return name
    throw new Error(
      `plain processes need '${name}', which is in none of ${searchPath}; install it or extend --task-path`,
    )
  }
  return {
    sh: find('sh'),
    ln: find('ln'),
    mv: find('mv'),
    sync: find('sync'),
    chroot: find('chroot', false),
    node,
  }
}

/** The command line of a supervisor. */
export function supervisorArguments(control: string, tools: SupervisorTools, argv: readonly string[]): string[] {
  return ['-c', supervisorScript, 'meseta-supervisor', control, tools.ln, tools.mv, tools.sync, ...argv]
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
