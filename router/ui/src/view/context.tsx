import { createContext, type ReactNode, use, useSyncExternalStore } from 'react'
import type { ConnectionState } from '../live/connection.ts'
import type { Live } from '../live/live.ts'
import type { Kind } from '../model/objects.ts'
import { formatRoute, parseRoute, type Route } from '../model/route.ts'
import type { Store } from '../model/store.ts'

const LiveContext = createContext<Live | undefined>(undefined)

export function LiveProvider({ live, children }: { live: Live; children: ReactNode }) {
  return <LiveContext value={live}>{children}</LiveContext>
}

function useLive(): Live {
  const live = use(LiveContext)
  if (!live) throw new Error('there is no LiveProvider around')
  return live
}

/** The cluster's objects; draws again when one of these kinds changes. */
export function useStore(...kinds: Kind[]): Store {
  const live = useLive()
  useSyncExternalStore(live.subscribe, () => live.version(kinds))
  return live.store
}

export function useConnection(): ConnectionState {
  const live = useLive()
  return useSyncExternalStore(live.subscribe, () => live.connection)
}

/** Something made of the time, drawn again when it differs: a text, a number. */
export function useClock<Value extends string | number>(made: (now: number) => Value): Value {
  const { clock } = useLive()
  return useSyncExternalStore(clock.subscribe, () => made(clock.now))
}

function subscribeHash(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  return () => removeEventListener('hashchange', listener)
}

export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(subscribeHash, () => location.hash))
}

/** One word of the address' query, and what changes it. Changing the filter begins at the first page again. */
export function useQuery(name: string): [string, (value: string) => void] {
  const { section = 'overview', item, query } = useRoute()
  const set = (value: string) => {
    const next = { ...query, ...(name === 'page' ? {} : { page: undefined }), [name]: value }
    // Typing must not fill the history: only the place itself is one.
    history.replaceState(null, '', formatRoute(section, item, next))
    dispatchEvent(new HashChangeEvent('hashchange'))
  }
  return [query[name] ?? '', set]
}
