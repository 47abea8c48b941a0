import { readFileSync } from 'node:fs'
import type { OwnCredential } from '@meseta/sdk/framework'
import type { Flags } from '../flags.ts'

/** How Marathon proves to masters who it is (contract 14). Throws an Error that names the flag, and never the secret. */
export function readCredential(given: Flags): OwnCredential | undefined {
  const { mesos_authentication_principal: principal, mesos_authentication_secret_file: file } = given
  if (file === undefined) return undefined
  if (principal === undefined)
    throw new Error('--mesos-authentication-secret-file needs --mesos-authentication-principal: whose secret it is')
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Error(`--mesos-authentication-secret-file: can not read ${file}: ${(error as Error).message}`)
  }
  if (secret === '') throw new Error(`--mesos-authentication-secret-file: ${file} is empty`)
  return { principal, secret }
}
