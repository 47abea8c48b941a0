import type { Problems } from '../errors.ts'
import { type PathId, resolveId, resolvePath } from '../paths.ts'
import { defined, flag, list, number, object, text } from '../shape.ts'
import { type AppBody, readApp } from './app-shape.ts'

/** A group as it was sent (contract 7), with absolute ids; `path` is where it stands in the body. */
export interface GroupBody {
  id: PathId
  path: string
  apps?: (AppBody & { id: PathId; path: string })[]
  groups?: GroupBody[]
  dependencies?: PathId[]
  enforceRole?: boolean
  version?: string
  scaleBy?: number
}

const maxDepth = 64

/** Reads a group body at `path`, its id relative to `base`; without an id it is `base` itself. */
export function readGroup(
  value: unknown,
  path: string,
  problems: Problems,
  base: PathId,
  depth = 0,
): GroupBody | undefined {
  if (depth > maxDepth) {
    problems.add(path, `groups may be nested ${maxDepth} deep at most`)
    return undefined
  }
  return object<GroupBody>(fields => {
    const given = depth > 0 ? fields.need('id', text) : fields.read('id', text)
    const id = given === undefined ? base : resolveId(given, base)
    const apps = fields.read(
      'apps',
      list(
        object(app => {
          const appId = app.need('id', text)
          const body = readApp(app)
          return appId === undefined ? undefined : { ...body, id: resolveId(appId, id), path: app.path }
        }),
      ),
    )
    return defined<GroupBody>({
      id,
      path,
      apps,
      groups: fields.read(
        'groups',
        list((one, at) => readGroup(one, at, problems, id, depth + 1)),
      ),
      dependencies: fields.read('dependencies', list(text))?.map(one => resolvePath(one, id)),
      enforceRole: fields.read('enforceRole', flag),
      version: fields.read('version', text),
      scaleBy: fields.read('scaleBy', number),
    })
  })(value, path, problems)
}
