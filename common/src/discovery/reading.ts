/** Reading of untyped bodies: what is not of the wanted type reads as absent, never as an error. */
export type Body = Readonly<Record<string, unknown>>

export function asBody(value: unknown): Body | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

export function asBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

/** The objects in a list; none when it is no list. */
export function bodies(value: unknown): readonly Body[] {
  return Array.isArray(value) ? value.map(asBody).filter(body => body !== undefined) : []
}

/** The own field of this name: a key like `__proto__` finds nothing. */
export function field(body: Body | undefined, name: string): unknown {
  return body !== undefined && Object.hasOwn(body, name) ? body[name] : undefined
}

/** A port that can be connected to. */
export function asPort(value: unknown): number | undefined {
  const port = asNumber(value)
  return port !== undefined && Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
}
