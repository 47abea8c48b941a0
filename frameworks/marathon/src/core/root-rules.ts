import { dependencyDepths } from './dependencies.ts'
import { Refusal } from './errors.ts'
import type { Root, Settings } from './model.ts'
import { ancestorsOf, type PathId } from './paths.ts'
import { instancesOf } from './service.ts'

/** What one Marathon may be asked to run, in all. */
const maxInstances = 100_000

/** The rules for everything together (contract 3 and 7): ids are unique among services and groups, dependencies acyclic. */
export function checkRoot(root: Root, changed: readonly PathId[], settings: Settings): void {
  const details = []
  for (const id of changed) {
    if (!root.services.has(id)) continue
    if (root.groups.has(id)) details.push({ path: '/id', errors: [`there is a group with the id ${id} already`] })
    const parent = ancestorsOf(id).find(group => root.services.has(group))
    if (parent !== undefined)
      details.push({ path: '/id', errors: [`${parent} is a service: it can not be the group of ${id}`] })
  }
  if (dependencyDepths(root) === undefined)
    details.push({ path: '/dependencies', errors: ['Groups and Applications may not have cyclic dependencies.'] })
  let instances = 0
  for (const service of root.services.values()) instances += instancesOf(service)
  if (instances > maxInstances)
    details.push({
      path: '/instances',
      errors: [`all services together would have ${instances} instances: at most ${maxInstances} may be`],
    })
  if (details.length > 0) throw new Refusal(422, 'Object is not valid', { details })
  if (settings.maxApps !== undefined && root.services.size > settings.maxApps)
    throw new Refusal(
      403,
      `This Marathon instance may only handle up to ${settings.maxApps} apps and pods (--max_apps).`,
    )
}
