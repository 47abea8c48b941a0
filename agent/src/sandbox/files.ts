import { join } from 'node:path'
import { type Attached, AttachedFiles } from '@meseta/common/files/attached-files'
import { checkId } from '@meseta/common/protocol/ids'

/** What the agent's files API shows (agent contract, section 1): its log and the sandboxes, by their virtual and real paths. */
export class SandboxFiles extends AttachedFiles {
  constructor(workDir: string, logFile: string | undefined, agentId: () => string | undefined) {
    super(path =>
      path === '/slave/log' && logFile !== undefined
        ? { root: logFile, rest: '' }
        : sandbox(join(workDir, 'slaves'), path, agentId()),
    )
  }
}

function sandbox(slaves: string, path: string, ownId: string | undefined): Attached | undefined {
  let agent = ownId
  let below = path
  if (path.startsWith(`${slaves}/`)) {
    const [id = '', ...rest] = path.slice(slaves.length + 1).split('/')
    agent = id
    below = `/${rest.join('/')}`
  }
  const match = /^\/frameworks\/([^/]+)\/executors\/([^/]+)\/runs\/([^/]+)(\/.*)?$/s.exec(below)
  if (match === null || agent === undefined) return undefined
  const [, framework = '', executor = '', run = '', rest = ''] = match
  if ([agent, framework, executor, run].some(id => checkId(id) !== undefined)) return undefined
  const root = join(slaves, agent, 'frameworks', framework, 'executors', executor, 'runs', run)
  return { root, rest, within: slaves }
}
