import type { Socket } from 'node:net'

/** A peer that vanished without a word is noticed after this and the kernel's probes, ms. */
const keepAlive = 60_000

/**
 * Passes bytes between two connections, as fast as the slower side takes them. When one side ends, the other is told and may go on talking; a
 * side that breaks breaks the other. Half-ended connections may be silent for `halfOpenIdle` ms.
 */
export function joinSockets(client: Socket, backend: Socket, halfOpenIdle: number): void {
  link(client, backend, halfOpenIdle)
  link(backend, client, halfOpenIdle)
}

function link(from: Socket, to: Socket, halfOpenIdle: number): void {
  from.setKeepAlive(true, keepAlive)
  from.on('error', () => to.resetAndDestroy())
  from.on('end', () => {
    from.setTimeout(halfOpenIdle, () => from.destroy())
  })
  from.on('close', () => {
    if (!from.readableEnded || !from.writableFinished) to.destroy()
  })
  from.pipe(to)
}
