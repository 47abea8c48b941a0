import { readFileSync } from 'node:fs'
import { readOwnCredential } from '../../service/own-credential.ts'

/** How a process proves to NATS who it is: a user with a password, a token, or the seed of an NKey, which never leaves the process. */
export type NatsProof =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  | { readonly seed: string }

/**
 * Reads the file of `--bus_credentials`: the seed of a user's NKey (`SU…`), or JSON as for masters. Throws an Error that names the flag, and
 * never what the file holds.
 */
export function readNatsProof(path: string | undefined): NatsProof | undefined {
  if (path === undefined) return undefined
  const seed = seedIn(path)
  if (seed !== undefined) return { seed }
  const credential = readOwnCredential('bus-credentials', path)!
  return 'token' in credential ? credential : { user: credential.principal, password: credential.secret }
}

/** What can not be read is said by who reads it next. */
function seedIn(path: string): string | undefined {
  try {
    const text = readFileSync(path.replace(/^file:\/\//, ''), 'utf8').trim()
    return /^SU[A-Z2-7]{56}$/.test(text) ? text : undefined
  } catch {
    return undefined
  }
}
