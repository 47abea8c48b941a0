import type { Store } from '@meseta/common/coordination/store'
import type { Command } from '@meseta/master/state/commands'

/** Safeguards that a test takes out, to see that the invariants notice. */
export interface Sabotage {
  /** Status updates are never acknowledged. */
  readonly dropsAcknowledgements?: boolean
  /** An update reaches the framework once: what it had not stored when it died, or what was lost with the connection, is not repeated. */
  readonly showsUpdatesOnce?: boolean
  /** Ends of operations are never acknowledged. */
  readonly dropsOperationAcknowledgements?: boolean
  /** The allocator does not hear of quotas. */
  readonly ignoresQuotas?: boolean
  /** A new leader begins with the same epoch as the one before. */
  readonly forgetsEpochs?: boolean
  /** The store says that it has changed a record of the registry, and has not. */
  readonly losesWrites?: boolean
  /** A master believes that it hears, whatever it hears. */
  readonly ignoresBlindness?: boolean
}

export function sabotagedCommand(command: Command, { ignoresBlindness }: Sabotage): Command {
  return ignoresBlindness && command.type === 'TICK' ? { ...command, hearsItself: true } : command
}

export function sabotagedStore(store: Store, { forgetsEpochs, losesWrites }: Sabotage): Store {
  if (forgetsEpochs)
    return instead(store, {
      get: async path => {
        const found = await store.get(path)
        return path === '/epoch' && found ? { ...found, value: new Uint8Array() } : found
      },
    })
  if (losesWrites)
    return instead(store, {
      set: (path, value, version) =>
        /\/registry\/\d+$/.test(path) ? Promise.resolve(version) : store.set(path, value, version),
    })
  return store
}

/** The same store but for some of its methods. */
function instead(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(name in methods ? methods : target, name)
      return typeof value === 'function' && !(name in methods) ? value.bind(target) : value
    },
  })
}
