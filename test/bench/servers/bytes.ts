import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// As many bytes as the path says, in chunks, as fast as they are read.
const chunk = Buffer.alloc(256 * 1024, 'x')
const server = createServer((request, response) => {
  let left = Number(request.url!.slice(1))
  response.writeHead(200, { 'content-type': 'application/json' })
  const write = () => {
    while (left > 0) {
      const some = left < chunk.length ? chunk.subarray(0, left) : chunk
      left -= some.length
      if (!response.write(some)) {
        response.once('drain', write)
        return
      }
    }
    response.end()
  }
  write()
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
