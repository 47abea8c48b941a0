/** Firewall rules that can not be meant as they are written; the message begins with the path of the field. */
export class FirewallError extends Error {}

/** The paths that `--firewall_rules` disables (Mesos contract 9): `{"disabled_endpoints":{"paths":["/state"]}}`. Throws FirewallError. */
export function readFirewall(json: unknown): readonly string[] {
  if (json === undefined) return []
  const { disabled_endpoints: disabled, ...others } = objectAt('', json)
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw new FirewallError(`${unknown}: is no rule that is known`)
  if (disabled === undefined) return []
  const { paths } = objectAt('disabled_endpoints', disabled)
  if (!Array.isArray(paths)) throw new FirewallError('disabled_endpoints.paths: must be a list of paths')
  for (const [index, path] of paths.entries())
    if (typeof path !== 'string' || !path.startsWith('/'))
      throw new FirewallError(`disabled_endpoints.paths[${index}]: must be a path that begins with /`)
  return paths as string[]
}

function objectAt(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new FirewallError(path === '' ? 'must be a JSON object' : `${path}: must be an object`)
}
