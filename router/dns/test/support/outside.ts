import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { Packet } from 'dns2'
import { type Query, readQuery } from '../../src/wire/query.ts'

/** A server outside that knows one address for every name; `asked` are the names that it was asked for. */
export async function answering(address: string) {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (message, peer) => {
    const query = Packet.parse(message)
    asked.push(query.questions[0]!.name)
    const reply = Packet.createResponseFromRequest(query)
    reply.answers.push(Packet.createResourceFromQuestion(query.questions[0]!, { ttl: 300, address }))
    socket.send(reply.toBuffer(), peer.port, peer.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  return { place: `127.0.0.1:${port}`, server: { address: '127.0.0.1', port }, asked, close: () => socket.close() }
}

/** The question for the address of a name, as it comes from a client. */
export function queryFor(name: string): Query {
  const labels = name.split('.').map(part => Buffer.concat([Buffer.from([part.length]), Buffer.from(part)]))
  const header = Buffer.from('000101000001000000000000', 'hex')
  const query = readQuery(Buffer.concat([header, ...labels, Buffer.from('0000010001', 'hex')]))
  if (query === 'drop' || 'rcode' in query) throw new Error(`${name} is no question`)
  return query
}
