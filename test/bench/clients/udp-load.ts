import { createSocket } from 'node:dgram'

/** Queries a second that are answered: `window` of them in flight from `sockets` sockets, for so many milliseconds. */
export async function udpLoad(
  port: number,
  queries: readonly Buffer[],
  milliseconds: number,
  sockets = 8,
  window = 256,
): Promise<number> {
  const each = Math.floor(window / sockets)
  let answered = 0
  const clients = await Promise.all(
    Array.from({ length: sockets }, async () => {
      const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
      await new Promise<void>(resolve => socket.connect(port, '127.0.0.1', resolve))
      return socket
    }),
  )
  let next = 0
  let over = false
  const send = (socket: (typeof clients)[number]) => {
    next = (next + 1) % queries.length
    socket.send(queries[next]!)
  }
  let last = performance.now()
  for (const socket of clients) {
    socket.on('error', () => undefined)
    socket.on('message', () => {
      answered += 1
      last = performance.now()
      if (!over) send(socket)
    })
  }
  const begun = performance.now()
  for (const socket of clients) for (let i = 0; i < each; i += 1) send(socket)
  // What was lost on the way is sent anew when nothing has come for a while.
  const nudge = setInterval(() => {
    if (performance.now() - last > 100) for (const socket of clients) for (let i = 0; i < each; i += 1) send(socket)
  }, 50)
  await new Promise(resolve => setTimeout(resolve, milliseconds))
  over = true
  clearInterval(nudge)
  const rate = answered / ((performance.now() - begun) / 1000)
  for (const socket of clients) socket.close()
  return rate
}
