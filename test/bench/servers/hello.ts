import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// A service behind the router: 1 kB for each request.
const body = 'x'.repeat(1024)
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length })
  response.end(body)
})
server.keepAliveTimeout = 600_000
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
