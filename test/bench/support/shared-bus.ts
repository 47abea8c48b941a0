import type { Bus, Subscription } from '@meseta/common/messaging/bus'

type Received = (payload: Uint8Array, subject: string) => void

/**
 * A bus whose users in this process share what they listen to: thousands of simulated agents hear one beacon as machines do that
 * have a connection each, and the server does not send it to this one connection thousands of times.
 */
export function shared(bus: Bus): Bus {
  const subjects = new Map<string, { readonly receivers: Set<Received>; readonly subscription: Subscription }>()
  return {
    publish: (subject, payload) => bus.publish(subject, payload),
    onState: listener => bus.onState(listener),
    close: () => bus.close(),
    get state() {
      return bus.state
    },
    subscribe(subject, received) {
      let entry = subjects.get(subject)
      if (!entry) {
        const receivers = new Set<Received>()
        const subscription = bus.subscribe(subject, (payload, from) => {
          for (const receiver of receivers) receiver(payload, from)
        })
        entry = { receivers, subscription }
        subjects.set(subject, entry)
      }
      const { receivers, subscription } = entry
      receivers.add(received)
      return {
        unsubscribe() {
          receivers.delete(received)
          if (receivers.size > 0 || subjects.get(subject)?.receivers !== receivers) return
          subjects.delete(subject)
          subscription.unsubscribe()
        },
      }
    },
  }
}
