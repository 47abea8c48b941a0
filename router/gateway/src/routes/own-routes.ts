import { mesetaVersion } from '@meseta/common/service/version'
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { notYet } from './errors.ts'
import type { ClusterEntry } from './upstreams.ts'

/** The release that clients of DC/OS see and switch features by (contract of the command line, 3, step 8). */
const release = '2.2.0'

export interface OwnRoutesContext {
  readonly publicAddress: string
  readonly metrics: Registry
  cluster(): ClusterEntry
}

/** Paths of the original that belong to later versions: they say so instead of falling to the page. */
const later = [
  '/login',
  '/system/v1/agent/:agent/logs*',
  '/system/v1/agent/:agent/metrics/v0*',
  '/system/v1/agent/:agent/dcos-metadata/dcos-version.json',
  '/system/v1/agent/:agent/nginx/metrics',
  '/system/v1/leader/*',
  '/system/v1/logs*',
  '/system/v1/metrics*',
  '/system/checks/v1*',
  '/acs/*',
  '/exhibitor*',
  '/pkgpanda/*',
  '/nginx/status',
  '/ca/*',
  '/secrets/*',
  '/dcos-history-service/*',
  '/dcos-ui-update-service/*',
  '/meseta/v1/exec',
  '/meseta/v1/explain/*',
  '/navstar/*',
]

/** What the router answers itself: facts about the cluster that clients ask for first. */
export function addOwnRoutes(app: FastifyInstance, context: OwnRoutesContext): void {
  app.get('/metadata', async () => {
    const id = context.cluster().cluster_id
    return { PUBLIC_IPV4: context.publicAddress, ...(id ? { CLUSTER_ID: id } : {}) }
  })
  app.get('/dcos-metadata/dcos-version.json', async (_request, reply) => {
    reply.header('cache-control', 'no-cache')
    return {
      version: release,
      'dcos-image-commit': '',
      'bootstrap-id': '',
      'dcos-variant': 'open',
      'meseta-version': mesetaVersion,
    }
  })
  app.get('/dcos-metadata/ui-config.json', async () => ({
    uiConfiguration: {
      plugins: {
        banner: { enabled: false },
        branding: {},
        'external-links': {},
        authentication: { enabled: false },
        oauth: { enabled: false },
        intercom: { enabled: false },
        tracking: { enabled: false },
        'ui-update': { enabled: false },
        mesos: { 'logging-strategy': 'logrotate' },
      },
    },
    clusterConfiguration: { firstUser: false, id: context.cluster().cluster_id ?? '' },
  }))
  // 200 without a token means: authentication is off.
  app.get('/pkgpanda/active.buildinfo.full.json', async () => ({ meseta: { name: 'meseta', version: mesetaVersion } }))
  // For the old pages. There are no overlay networks.
  app.get('/mesos/overlay-master/state', async () => ({ network: { overlays: [] } }))
  app.get('/nginx/metrics', async (_request, reply) => {
    reply.type(context.metrics.contentType)
    return context.metrics.metrics()
  })
  for (const url of later) {
    app.all(url, async request => {
      throw notYet(request.url.replace(/\?.*$/s, '').slice(0, 100))
    })
  }
}
