import { createHash, timingSafeEqual } from 'node:crypto'

/** Names and secrets that can not be used; the message says where, and never repeats a secret. */
export class CredentialsError extends Error {}

/** A file at most names this many principals. */
const maxCredentials = 10_000
const maxNameLength = 255
const maxSecretLength = 4_096

/** Why a name can be no principal, or undefined: it is shown, logged, part of metrics' names, and stands before a colon. */
export function checkPrincipal(name: string): string | undefined {
  if (name === '') return 'must not be empty'
  if (name.length > maxNameLength) return `must not be longer than ${maxNameLength} characters`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\u0000-\u001f\u007f:]/.test(name)) return 'must not contain a colon or control characters'
  return undefined
}

/** Both sides of a comparison are hashed: how long it takes says nothing of the secret, its length included. */
const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** What is compared where there is no such principal: it takes as long, so that nobody learns who exists. */
const nobody = Buffer.alloc(32)

/** Who exists and with which secret. Secrets are kept as hashes alone. */
export class Credentials {
  readonly #byPrincipal = new Map<string, Buffer>()
  readonly #bySecret = new Map<string, string>()

  constructor(entries: Iterable<readonly [principal: string, secret: string]>) {
    for (const [principal, secret] of entries) {
      const hash = digest(secret)
      this.#byPrincipal.set(principal, hash)
      this.#bySecret.set(hash.toString('base64'), principal)
    }
  }

  /** Whether a principal exists and this is its secret. */
  has(principal: string, secret: string): boolean {
    const known = this.#byPrincipal.get(principal)
    return timingSafeEqual(known ?? nobody, digest(secret)) && known !== undefined
  }

  /** Whose secret this is, where the secret is all that is said. Its hash is looked up, which nobody can steer. */
  ownerOf(secret: string): string | undefined {
    return this.#bySecret.get(digest(secret).toString('base64'))
  }

  get size(): number {
    return this.#byPrincipal.size
  }
}

/**
 * Reads a file of credentials: `{"credentials":[{"principal":"p","secret":"s"}]}`, or as older Mesos had it a line `p s` for each
 * (Mesos contract 8.1). Throws CredentialsError.
 */
export function readCredentials(text: string): Credentials {
  const entries = text.trimStart().startsWith('{') ? fromJson(text) : fromLines(text)
  if (entries.length === 0) throw new CredentialsError('names no principal')
  if (entries.length > maxCredentials)
    throw new CredentialsError(`names ${entries.length} principals, and at most ${maxCredentials} are taken`)
  const names = new Set<string>()
  for (const [index, [principal, secret]] of entries.entries()) {
    const problem = checkPrincipal(principal)
    if (problem !== undefined) throw new CredentialsError(`credentials[${index}].principal: ${problem}`)
    if (names.has(principal))
      throw new CredentialsError(`credentials[${index}].principal: '${principal}' is there twice`)
    if (secret === '' || secret.length > maxSecretLength)
      throw new CredentialsError(`credentials[${index}].secret: must have 1 to ${maxSecretLength} characters`)
    names.add(principal)
  }
  return new Credentials(entries)
}

type Entry = readonly [principal: string, secret: string]

function fromJson(text: string): readonly Entry[] {
  let list: unknown
  try {
    list = (JSON.parse(text) as { credentials?: unknown } | null)?.credentials
  } catch {
    // What JSON.parse says quotes the text.
    throw new CredentialsError('is not valid JSON')
  }
  if (!Array.isArray(list)) throw new CredentialsError('credentials: must be a list')
  return list.map((entry: unknown, index) => {
    const { principal, secret } = Object(entry) as Record<string, unknown>
    if (typeof principal !== 'string') throw new CredentialsError(`credentials[${index}].principal: must be text`)
    if (typeof secret !== 'string') throw new CredentialsError(`credentials[${index}].secret: must be text`)
    return [principal, secret]
  })
}

function fromLines(text: string): readonly Entry[] {
  const entries: Entry[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const words = line.trim().split(/\s+/)
    if (words.length !== 2) throw new CredentialsError(`line ${index + 1}: must be a principal, a space and its secret`)
    entries.push([words[0]!, words[1]!])
  }
  return entries
}
