import { FlagError } from '../service/parse-flags.ts'

/**
 * The servers that a flag names: `http://a:5050,http://b:5050`, or just `a:5050`. Throws FlagError naming the flag and the part that is
 * none.
 */
export function serverUrls(flag: string, text: string): readonly URL[] {
  return text.split(',').map(part => {
    const given = part.trim()
    const full = /^[\w.-]+:\d+$|^\[[\da-f:]+\]:\d+$/i.test(given) ? `http://${given}` : given
    const url = URL.canParse(full) ? new URL(full) : undefined
    if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
    const hint = given.startsWith('zk:') ? 'ZooKeeper is not asked here; ' : ''
    throw new FlagError(flag, `--${flag}: '${given.slice(0, 100)}' is no URL of a server: ${hint}give http://host:port`)
  })
}
