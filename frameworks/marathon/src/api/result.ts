import type { FastifyReply } from 'fastify'
import type { Answer } from '../core/effects.ts'

type Done = Extract<Answer, { ok: true }>

/** The body called "result" in contract 1.5, with its header. */
export function sendResult(reply: FastifyReply, done: Done, status = 200): FastifyReply {
  announce(reply, done)
  return reply.code(status).send({ version: done.version, deploymentId: done.deploymentId })
}

export function announce(reply: FastifyReply, done: Done): void {
  if (done.deploymentId !== undefined) reply.header('Marathon-Deployment-Id', done.deploymentId)
}
