import { browseFiles, downloadFile, readText } from '@meseta/common/files/files-api'
import type { FastifyInstance } from 'fastify'
import type { Agent } from '../agent.ts'
import type { SandboxFiles } from '../sandbox/files.ts'
import { asQuery, sendJson } from './replies.ts'

/** `/files/browse`, `read`, `download` and `debug` (agent contract, section 1). */
export function serveFiles(app: FastifyInstance, files: SandboxFiles, agent: () => Agent): void {
  app.get('/files/browse', async (request, reply) =>
    sendJson(request, reply, await browseFiles(files, asQuery(request))),
  )
  app.get('/files/read', async (request, reply) => sendJson(request, reply, await readText(files, asQuery(request))))
  app.get('/files/download', async (request, reply) => {
    const { headers, body } = await downloadFile(files, asQuery(request))
    return reply.headers(headers).send(body)
  })
  app.get('/files/debug', async (request, reply) => sendJson(request, reply, attachedPaths(agent())))
}

function attachedPaths(agent: Agent): Record<string, string> {
  const { executors } = agent.heart.core
  const paths: Record<string, string> = Object.create(null)
  for (const { framework, id, directory } of executors.values()) {
    paths[`/frameworks/${framework.id}/executors/${id}/runs/latest`] = directory
    paths[directory] = directory
  }
  return paths
}
