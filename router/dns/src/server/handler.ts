import type { Transport } from './responder.ts'

/** Takes a message and gives its reply, at once or later, exactly once; `undefined` means that there will be none. */
export type Handler = (message: Buffer, transport: Transport, reply: (reply: Buffer | undefined) => void) => void
