/** What went wrong, in the words of the one that answered. */
export interface Refusal {
  readonly message: string
  /** By place: a JSON path of Marathon, or a pointer of the catalog. */
  readonly details: readonly { readonly path: string; readonly text: string }[]
  /** A deployment holds it: the same with force would take its place. */
  readonly locked: boolean
}

interface Body {
  readonly message?: unknown
  readonly details?: unknown
  readonly type?: unknown
  readonly data?: { readonly errors?: unknown }
}

/** The longest text of an answer that is shown, characters. */
const longest = 2_000

/** Reads the error of Marathon (Marathon contract 1.4), of the catalog (catalog contract 5) or of the router itself. Pure. */
export function readRefusal(status: number, text: string): Refusal {
  let body: Body
  try {
    body = JSON.parse(text) as Body
    if (typeof body !== 'object' || body === null) throw new Error('no object')
  } catch {
    return {
      message: text.trim().slice(0, longest) || `the answer was ${status} without a word`,
      details: [],
      locked: false,
    }
  }
  const message = typeof body.message === 'string' ? body.message.slice(0, longest) : `the answer was ${status}`
  return {
    message,
    details: [...marathonDetails(body.details), ...catalogDetails(body.data?.errors)],
    locked: status === 409 && /force=true/.test(message),
  }
}

function marathonDetails(details: unknown): { path: string; text: string }[] {
  if (typeof details === 'string') return [{ path: '', text: details.slice(0, longest) }]
  if (!Array.isArray(details)) return []
  return details.slice(0, 100).map((detail: { path?: unknown; errors?: unknown }) => ({
    path: typeof detail?.path === 'string' ? detail.path : '',
    text: Array.isArray(detail?.errors) ? detail.errors.map(String).join('; ') : String(detail?.errors ?? detail),
  }))
}

function catalogDetails(errors: unknown): { path: string; text: string }[] {
  if (!Array.isArray(errors)) return []
  return errors
    .slice(0, 100)
    .map((error: { message?: unknown; instance?: { pointer?: unknown }; missing?: unknown; unwanted?: unknown }) => ({
      path: typeof error?.instance?.pointer === 'string' ? error.instance.pointer : '',
      text: typeof error?.message === 'string' ? error.message : 'is refused',
    }))
}

/** The field that a pointer of the catalog names: `/service/cpus` is `service.cpus`. */
export const fieldOfPointer = (pointer: string): string =>
  pointer
    .replace(/^\//, '')
    .split('/')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.')
