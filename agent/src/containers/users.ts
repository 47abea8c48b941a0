import { readFileSync } from 'node:fs'
import { LaunchError } from './launcher.ts'

export interface UserIds {
  readonly uid: number
  readonly gid: number
}

/**
 * As whom a container runs: undefined means as the agent itself. Only an agent that runs as root and may switch users does
 * so; any other runs every task as itself (agent contract, section 11).
 * @throws {LaunchError} when the user has to be switched to and does not exist
 */
export function userToRunAs(name: string | undefined, maySwitch: boolean, ownUid: number): UserIds | undefined {
  if (name === undefined || name === '' || !maySwitch || ownUid !== 0) return undefined
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
    .find(fields => fields[0] === name)
  const uid = Number(entry?.[2])
  const gid = Number(entry?.[3])
  if (entry === undefined || !Number.isInteger(uid) || !Number.isInteger(gid))
    throw new LaunchError(
      `Failed to launch container: the user '${name}' does not exist on this machine; create it, name another user, or run the agent with --no-switch-user`,
    )
  return uid === 0 ? undefined : { uid, gid }
}
