/** What an instance of the demo's web app says of itself in each answer. */
export interface InstanceAnswer {
  readonly task: string
  readonly pid: number
  readonly release: string
}

export const appId = '/demo-web'
export const serviceName = 'demo-web'
export const vipPort = 8800

/** The program of each instance: it answers who it is, logs each start and request, and ends in order when told. */
const program = `
const http = require('node:http')
const who = { task: process.env.MESOS_TASK_ID, pid: process.pid, release: process.env.RELEASE }
const server = http.createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(who) + '\\n')
})
server.listen(Number(process.env.PORT0), '0.0.0.0', () => console.log('release ' + who.release + ' serves on port ' + process.env.PORT0))
process.once('SIGTERM', () => {
  console.log('release ' + who.release + ' ends')
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
`

/** The app of one release: three instances, a health check, a virtual IP, a name for the admin router. */
export function webApp(release: string) {
  return {
    id: appId,
    cmd: 'exec "$MESETA_NODE" -e "$PROGRAM"',
    env: { PROGRAM: program, RELEASE: release },
    instances: 3,
    cpus: 0.05,
    mem: 64,
    portDefinitions: [{ port: 0, protocol: 'tcp', name: 'web', labels: { VIP_0: `${appId}:${vipPort}` } }],
    healthChecks: [
      {
        protocol: 'MESOS_HTTP',
        path: '/',
        portIndex: 0,
        gracePeriodSeconds: 30,
        intervalSeconds: 1,
        timeoutSeconds: 5,
        maxConsecutiveFailures: 3,
        delaySeconds: 0,
      },
    ],
    labels: { DCOS_SERVICE_NAME: serviceName, DCOS_SERVICE_SCHEME: 'http', DCOS_SERVICE_PORT_INDEX: '0' },
    taskKillGracePeriodSeconds: 5,
  }
}
