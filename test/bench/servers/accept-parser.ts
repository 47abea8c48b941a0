import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// The limit of a master in Node.js: each call is received and parsed, and nothing else is done with it.
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    const call = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { type: string }
    response.writeHead(call.type === 'ACCEPT' || call.type === 'ACKNOWLEDGE' ? 202 : 400).end()
  })
})
server.keepAliveTimeout = 600_000
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
