import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/** Where a cluster on this machine keeps everything: the option, `MESETA_WORK_DIR`, else below the user's home. */
export function workDir(option: string | undefined): string {
  const given = option ?? process.env.MESETA_WORK_DIR
  if (given) return isAbsolute(given) ? given : resolve(given)
  const state = process.env.XDG_STATE_HOME
  return state && isAbsolute(state) ? join(state, 'meseta') : join(homedir(), '.local/state/meseta')
}
