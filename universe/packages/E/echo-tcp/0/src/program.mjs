// Sends back what it is sent, byte for byte. Not more than one buffer of it is held: a slow reader slows its own writing.
import { instance, onStop, serveTcp } from '../../../../lib/service.mjs'

const greeting = process.env.ECHO_GREETING ?? ''
const sockets = new Set()

serveTcp(socket => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.setTimeout(300_000, () => socket.end())
  if (greeting !== '') socket.write(`${greeting} (${instance.name})\n`)
  socket.pipe(socket)
})
onStop(() => {
  for (const socket of sockets) socket.end()
})
