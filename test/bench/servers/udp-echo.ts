import { createSocket } from 'node:dgram'

// The limit of a DNS server in Node.js: each packet is sent back as it came.
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
socket.on('message', (message, from) => socket.send(message, from.port, from.address))
socket.bind(0, '127.0.0.1', () => process.send?.(socket.address().port))

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
