/**
 * Puts an upstream's `Location` into terms of this router (admin router contract, 2): addresses on the host that the client
 * used and bare paths come below the prefix; other hosts and schemes are left alone. `prefix` is `/service/name`, without final slash.
 */
export function locationBelow(prefix: string, scheme: string, host: string | undefined): (location: string) => string {
  return location => {
    const here = `${scheme}://${host}`
    const isHere = host !== undefined && location.startsWith(here) && /^(?:$|[/?#])/.test(location.slice(here.length))
    const own = isHere ? location.slice(here.length) : location
    if (!own.startsWith('/') || own.startsWith('//')) return own === '' ? `${prefix}/` : own
    return own === prefix || own.startsWith(`${prefix}/`) ? own : `${prefix}${own}`
  }
}
