import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'

/** Code under simulation touched the world: the run would not replay. */
export class AmbientError extends Error {
  constructor(name: string) {
    super(
      `${name} was used inside a simulation: time comes from the Clock, randomness from the Random, and messages from the transport`,
    )
    this.name = 'AmbientError'
  }
}

type Place = readonly [owner: object, key: string, name: string]

const places: readonly Place[] = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'fetch'].map((key): Place => [globalThis, key, key]),
  ...['setTimeout', 'setInterval', 'setImmediate'].map((key): Place => [timers, key, `timers.${key}`]),
  ...['setTimeout', 'setInterval', 'setImmediate'].map((key): Place => [timersPromises, key, `timers/promises.${key}`]),
  [Math, 'random', 'Math.random'],
  [performance, 'now', 'performance.now'],
  [process, 'hrtime', 'process.hrtime'],
  ...['getRandomValues', 'randomUUID'].map((key): Place => [globalThis.crypto, key, `crypto.${key}`]),
  ...['randomBytes', 'randomUUID', 'randomInt', 'randomFillSync', 'randomFill'].map(
    (key): Place => [crypto, key, `crypto.${key}`],
  ),
]

/** Date without the present. */
function guardedDate(Real: DateConstructor): DateConstructor {
  return new Proxy(Real, {
    construct(target, parameters, self) {
      if (parameters.length === 0) throw new AmbientError('new Date()')
      return Reflect.construct(target, parameters, self)
    },
    apply() {
      throw new AmbientError('Date()')
    },
    get: (target, key) =>
      key === 'now'
        ? () => {
            throw new AmbientError('Date.now()')
          }
        : Reflect.get(target, key),
  })
}

/**
 * Makes the present, timers, randomness and fetch throw AmbientError, in globals and in `node:` modules (also where they were
 * imported by name), until the answered function is called. `new Date(ms)` and formatting go on working.
 */
export function guardAmbient(): () => void {
  const restores = places.map(([owner, key, name]) =>
    replace(owner, key, () => {
      throw new AmbientError(name)
    }),
  )
  restores.push(replace(globalThis, 'Date', guardedDate(Date)))
  syncBuiltinESMExports()
  return () => {
    for (const restore of restores) restore()
    syncBuiltinESMExports()
  }
}

function replace(owner: object, key: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, key)
  Object.defineProperty(owner, key, { value, configurable: true, enumerable: own?.enumerable ?? false, writable: true })
  return () => {
    if (own) Object.defineProperty(owner, key, own)
    else Reflect.deleteProperty(owner, key)
  }
}
