import { STATUS_CODES } from 'node:http'

/** An upstream's reason phrase, or the standard one when it could not be written: it may be of bytes that no header has. */
export const statusText = (status: number, text: string | undefined): string =>
  text && /^[\t\x20-\x7e]+$/.test(text) ? text : (STATUS_CODES[status] ?? '')
