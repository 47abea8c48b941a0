import { BadMessage } from './errors.ts'
import { excerpt } from './excerpt.ts'

/** Messages nested deeper than this are refused, as protobuf's own parsers do: converters recurse, and stacks end. */
export const MAX_DEPTH = 100

/** Where a converter stands inside a message, so that a refusal names the field without building paths on the way. */
export class Place {
  readonly #steps: (string | number)[] = []
  #depth = 0

  /** Into a field (its name) or an element (its index). */
  enter(step: string | number): void {
    this.#steps.push(step)
  }

  leave(): void {
    this.#steps.pop()
  }

  /** Into a nested message. */
  descend(): void {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw this.refusal(`is nested deeper than ${MAX_DEPTH} messages`)
  }

  ascend(): void {
    this.#depth -= 1
  }

  /** The error to throw about what stands here, or about the field `name` of it. */
  refusal(reason: string, name?: string): BadMessage {
    const steps = name === undefined ? this.#steps : [...this.#steps, name]
    return new BadMessage(steps.reduce<string>(extend, ''), reason)
  }
}

const shown = 120

function extend(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`
  const name = excerpt(step, shown)
  return path === '' ? name : `${path}.${name}`
}
