import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/**
 * The supervisor of a plain process: a POSIX shell that outlives the agent, holds the process's stdio and leaves its exit
 * status behind. It runs in a session of its own, as `sh -c <this> meseta-supervisor <control> <ln> <mv> <sync> <argv…>`,
 * with the sandbox's stdout and stderr as descriptors 1 and 3.
 *
 * - It first claims `<control>/pid` by a hard link, which fails when a recovering agent has declared the container dead.
 *   The file holds its own line of /proc, hence its start time.
 * - Signals to the whole tree reach it too: a trap that does nothing keeps it alive, and the subshell restores the defaults.
 * - The names that it uses are its own, as variables of the task's environment stay exported with what is assigned to them.
 * - `exit` is `<code> <signalled>`: written aside, synced, renamed. A shell says 128+n for signal n, as a program may exit with
 *   such a code itself; but a shell also reports a signal on its own stderr (`supervisor.log`), save for INT and PIPE.
 */
export const supervisorScript = `
_meseta_dir=$1 _meseta_ln=$2 _meseta_mv=$3 _meseta_sync=$4
shift 4
trap : HUP INT QUIT TERM USR1 USR2 ALRM
exec 2>"$_meseta_dir/supervisor.log"
read -r _meseta_stat </proc/$$/stat
printf '%s\\n' "$_meseta_stat" >"$_meseta_dir/pid.own"
"$_meseta_ln" "$_meseta_dir/pid.own" "$_meseta_dir/pid" || exit 125
(trap - HUP INT QUIT TERM USR1 USR2 ALRM; exec "$@" 2>&3 3>&-)
_meseta_code=$?
_meseta_how=exited
if [ "$_meseta_code" -gt 128 ]; then
  if [ -s "$_meseta_dir/supervisor.log" ] || [ "$_meseta_code" -eq 130 ] || [ "$_meseta_code" -eq 141 ]; then
    _meseta_how=signalled
  fi
fi
printf '%s %s\\n' "$_meseta_code" "$_meseta_how" >"$_meseta_dir/exit.own"
"$_meseta_sync" "$_meseta_dir/exit.own"
"$_meseta_mv" "$_meseta_dir/exit.own" "$_meseta_dir/exit"
`

/** The programs the supervisor needs, by absolute path: the task's PATH must not decide over them. */
export interface SupervisorTools {
  readonly sh: string
  readonly ln: string
  readonly mv: string
  readonly sync: string
  readonly env: string
  /** Needed only to switch users. */
  readonly chroot: string
}

/**
 * Finds `sh`, `ln`, `mv`, `sync` and `env`.
 * @throws {Error} naming what is missing
 */
export function findTools(searchPath: string): SupervisorTools {
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
    env: find('env'),
    chroot: find('chroot', false),
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
