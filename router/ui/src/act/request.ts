import { type Refusal, readRefusal } from '../model/answers.ts'

/** The cluster said no. What it said is in `refusal`. */
export class Refused extends Error {
  readonly status: number
  readonly refusal: Refusal

  constructor(status: number, refusal: Refusal) {
    super(refusal.message)
    this.name = 'Refused'
    this.status = status
    this.refusal = refusal
  }
}

const limit = 60_000

/** One request to the router. Throws Refused for an error answer, and for none at all. */
export async function ask<Body>(path: string, options: RequestInit = {}): Promise<Body> {
  let status = 0
  let text: string
  try {
    const response = await fetch(path, {
      cache: 'no-store',
      ...options,
      signal: options.signal ?? AbortSignal.timeout(limit),
    })
    status = response.status
    text = await response.text()
  } catch (error) {
    throw new Refused(0, {
      message: `the router did not answer: ${(error as Error).message}`,
      details: [],
      locked: false,
    })
  }
  if (status >= 400) throw new Refused(status, readRefusal(status, text))
  return (text === '' ? {} : JSON.parse(text)) as Body
}

/** What to show of any error. */
export const refusalOf = (error: unknown): Refusal =>
  error instanceof Refused
    ? error.refusal
    : { message: error instanceof Error ? error.message : String(error), details: [], locked: false }
