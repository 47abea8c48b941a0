import type { Forwarder } from '../forwarder/forwarder.ts'
import type { DnsMetrics } from '../metrics.ts'
import { rcodes } from '../wire/constants.ts'
import type { Query } from '../wire/query.ts'
import type { Handler } from './handler.ts'
import type { Responder, Transport } from './responder.ts'

/** The whole way of a question: from our zones, else from outside, else refused. */
export function createHandler(responder: Responder, forwarder: Forwarder, metrics: DnsMetrics): Handler {
  const askOutside = async (query: Query, transport: Transport): Promise<Buffer | undefined> => {
    const outcome = await forwarder.ask(query, transport)
    if (outcome === 'dropped') metrics.dropped.inc()
    if (outcome === 'failed') metrics.failures.inc()
    if (outcome === 'dropped') return undefined
    if (outcome === 'refused') return responder.refuse(query, transport, rcodes.REFUSED)
    return outcome === 'failed' ? responder.refuse(query, transport, rcodes.SERVFAIL) : outcome
  }
  return (message, transport, reply) => {
    metrics.questions[transport] += 1
    const response = responder.respond(message, transport)
    if (response === undefined || Buffer.isBuffer(response)) reply(response)
    else void askOutside(response.forward, transport).then(reply)
  }
}
