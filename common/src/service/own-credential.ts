import { readFileSync } from 'node:fs'
import { defineFlags } from './flags.ts'

/** How a process proves to another one who it is. */
export type OwnCredential = { readonly principal: string; readonly secret: string } | { readonly token: string }

/** The flag of processes that read from masters; its secret is in the file, and never on the command line. */
export const masterCredentialFlags = defineFlags({
  master_credential_file: {
    type: 'string',
    help: 'The file of what this process proves to masters who it is by: {"principal":…,"secret":…} or {"token":…}.',
  },
})

/** The header `Authorization`, or none. */
export function authorizationHeaders(credential: OwnCredential | undefined): Readonly<Record<string, string>> {
  if (!credential) return {}
  if ('token' in credential) return { authorization: `Bearer ${credential.token}` }
  const { principal, secret } = credential
  return { authorization: `Basic ${Buffer.from(`${principal}:${secret}`).toString('base64')}` }
}

/** Reads the file that a flag names; undefined where it names none. Throws an Error that names the flag, and never what the file holds. */
export function readOwnCredential(flag: string, path: string | undefined): OwnCredential | undefined {
  if (path === undefined) return undefined
  let text: string
  try {
    text = readFileSync(path.replace(/^file:\/\//, ''), 'utf8')
  } catch (error) {
    throw new Error(`--${flag}: can not read ${path}: ${(error as Error).message}`)
  }
  const credential = parseOwnCredential(text)
  if (credential) return credential
  throw new Error(`--${flag}: ${path} holds neither {"principal":…,"secret":…} nor {"token":…}`)
}

function parseOwnCredential(text: string): OwnCredential | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  const { principal, secret, token } = Object(json) as Record<string, unknown>
  if (isToken(token) && principal === undefined && secret === undefined) return { token }
  if (isText(principal) && !principal.includes(':') && isText(secret) && token === undefined)
    return { principal, secret }
  return undefined
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
/** What a header takes. */
const isToken = (value: unknown): value is string => isText(value) && /^[\x21-\x7e]+$/.test(value)
