import { readFile } from 'node:fs/promises'
import type { Clock } from '@meseta/common/service/clock'
import type { Logger } from 'pino'

/** How often the file is read, ms. */
const interval = 5_000

/** The hostnames of a whitelist, one a line; undefined for `*`: all. */
export function parseWhitelist(text: string): readonly string[] | undefined {
  const lines = text.split('\n').map(line => line.trim())
  return lines.includes('*') ? undefined : [...new Set(lines.filter(line => line !== ''))]
}

/**
 * Reads the file of `--whitelist` again and again, and calls back at first and with each change. One that can not be read changes
 * nothing; until it was read once no agent is on it. Answers a function that ends it.
 */
export function watchWhitelist(
  path: string,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  changed: (hostnames: readonly string[] | undefined) => void,
): () => void {
  let known: string | undefined
  let readable = true
  const look = async () => {
    try {
      const text = await readFile(path.replace(/^file:\/\//, ''), 'utf8')
      if (text !== known) changed(parseWhitelist(text))
      known = text
      readable = true
    } catch (error) {
      if (readable) log.warn({ path, reason: (error as Error).message }, 'the whitelist can not be read')
      readable = false
    }
  }
  changed([])
  void look()
  const timer = clock.every(interval, () => void look())
  return () => timer.cancel()
}
