import { fileURLToPath } from 'node:url'
import { serveFeed } from '@meseta/common/feed/serve'
import { commonFlags } from '@meseta/common/service/common-flags'
import { type Context, defineComponent, type Handle } from '@meseta/common/service/component'
import { defineFlags, type FlagValues } from '@meseta/common/service/flags'
import { Health } from '@meseta/common/service/health'
import { createHttp, type HttpService } from '@meseta/common/service/http'
import { Agent } from 'undici'
import { addResourceRoute } from './api/resource.ts'
import { addRoutes } from './api/routes.ts'
import { CatalogFeed } from './feed.ts'
import { builtIn, repositoryOfFlag } from './repositories/location.ts'
import { type Repository, RepositoryRecord } from './repositories/record.ts'
import { Repositories } from './repositories/repositories.ts'
import { Installer } from './services/install.ts'
import { Managers } from './services/managers.ts'
import { Marathon } from './services/marathon.ts'
import { Mesos } from './services/mesos.ts'
import { Peer } from './services/peer.ts'
import { SdkUninstaller } from './services/sdk-uninstall.ts'
import { Services } from './services/service.ts'
import { Uninstaller } from './services/uninstall.ts'

const flags = defineFlags({
  ...commonFlags(7070),
  marathon: {
    type: 'list',
    default: [],
    help: 'The address of Marathon, http://host:8080; of several the first that is there.',
  },
  master: {
    type: 'list',
    default: [],
    help: 'The addresses of the masters, http://host:5050; any leads to the leading one.',
  },
  router: {
    type: 'string',
    help: 'The address of the admin router, for packages that clean up or are managed by a service.',
  },
  repositories: {
    type: 'list',
    default: [],
    help: 'More repositories: [name=]uri, an address or a folder; put before the others when the list lacks them.',
  },
  allow_folder_repositories: {
    type: 'boolean',
    default: false,
    help: 'Whether the API may add repositories that are folders of this machine (file: or a path).',
  },
})

/** The built-in catalog lies beside the code, in sources and when published. */
export const builtInFolder = fileURLToPath(new URL('../packages', import.meta.url))

/** Requests carry options; none is larger. */
const bodyLimit = 2 * 1024 * 1024

/** The package manager: repositories, packages, installing and removing (Cosmos's API). */
export const component = defineComponent({
  name: 'universe',
  summary: 'the package manager',
  needs: ['store'],
  flags,
  start: context => start(context),
})

async function start(context: Context<FlagValues<typeof flags>>): Promise<Handle> {
  const { flags: given, clock, random, log, store } = context
  const health = new Health()
  const agent = new Agent({ connect: { timeout: 10_000 }, connections: 32, bodyTimeout: 60_000 })
  const record = new RepositoryRecord(store, clock, [builtIn])
  await ensureListed(record, given.repositories.map(repositoryOfFlag))
  const allowFolders = given.allow_folder_repositories
  const repositories = new Repositories({ record, agent, clock, log, builtInFolder, allowFolders })

  const marathon = new Marathon(new Peer('marathon', given.marathon.map(address), agent))
  const mesos = new Mesos(new Peer('mesos', given.master.map(address), agent))
  const router = new Peer('router', given.router === undefined ? [] : [address(given.router)], agent, false)
  const managers = new Managers(router)
  const sdk = new SdkUninstaller({ marathon, router, clock, log })
  const installer = new Installer(repositories, marathon, managers)
  const uninstaller = new Uninstaller({ repositories, marathon, mesos, managers, sdk })
  const services = new Services(repositories, marathon, managers)
  const feedOptions = { repositories, marathon: given.marathon.map(address)[0], clock, random, log, health }
  const feed = new CatalogFeed(feedOptions)

  const http = createHttp(context, { name: 'universe', health, flagDefinitions: flags, bodyLimit })
  await http.app.register(async scope => {
    await addRoutes(scope, { repositories, marathon, installer, uninstaller, services })
    addResourceRoute(scope, { repositories, agent, builtInFolder })
  })
  serveFeed(http.app, '/meseta/v1/feed', feed.writer, { log, clock })
  const url = await http.listen()

  const unwatch = [record.watch(() => void feed.update()), repositories.onChange(() => void feed.update())]
  void feed.update()
  feed.start()
  const stop = () => stopAll(http, agent, [...unwatch, () => feed.stop(), () => sdk.stop()])
  let stopped: Promise<void> | undefined
  return {
    url,
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }
}

async function stopAll(http: HttpService, agent: Agent, ends: readonly (() => void)[]): Promise<void> {
  for (const end of ends) end()
  await http.close()
  await agent.destroy()
}

/** Repositories of the flag come first, in its order; those that the list has already stay where they are. */
async function ensureListed(record: RepositoryRecord, wanted: readonly Repository[]): Promise<void> {
  const list = await record.read()
  const lacking = (now: readonly Repository[]) =>
    wanted.filter(one => !now.some(({ name, uri }) => uri === one.uri || name === one.name))
  if (lacking(list).length > 0) await record.update(now => [...lacking(now), ...now])
}

/** An address without its final slash. */
function address(url: string): string {
  if (/^https?:\/\/[^/]+/.test(url)) return url.replace(/\/+$/, '')
  throw new Error(`'${url}' is no address of the form http://host:port; zk:// addresses are not supported here yet`)
}
