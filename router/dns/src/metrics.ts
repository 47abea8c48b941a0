import type { Context } from '@meseta/common/service/component'
import { counter, gauge } from '@meseta/common/service/metrics'
import type { Forwarder } from './forwarder/forwarder.ts'
import type { Zones } from './records/zones.ts'

/** Counters of the DNS. Questions are counted in a plain field: it is on the way of each. */
export interface DnsMetrics {
  readonly questions: { udp: number; tcp: number }
  readonly failures: ReturnType<typeof counter>
  readonly dropped: ReturnType<typeof counter>
}

export function createMetrics(registry: Context<unknown>['metrics'], zones: Zones, forwarder: Forwarder): DnsMetrics {
  const questions = { udp: 0, tcp: 0 }
  gauge(registry, {
    name: 'meseta_dns_questions',
    help: 'Questions received since the start.',
    labelNames: ['transport'],
    collect() {
      this.set({ transport: 'udp' }, questions.udp)
      this.set({ transport: 'tcp' }, questions.tcp)
    },
  })
  gauge(registry, {
    name: 'meseta_dns_zone_records',
    help: 'Records in each zone.',
    labelNames: ['zone'],
    collect() {
      for (const [name, zone] of Object.entries(zones)) this.set({ zone: name }, zone.size)
    },
  })
  gauge(registry, {
    name: 'meseta_dns_forwarder_in_flight',
    help: 'Questions that wait for other servers.',
    collect() {
      this.set(forwarder.inFlight)
    },
  })
  return {
    questions,
    failures: counter(registry, {
      name: 'meseta_dns_forwarder_failures_total',
      help: 'Questions that no other server answered.',
    }),
    dropped: counter(registry, {
      name: 'meseta_dns_forwarder_dropped_total',
      help: 'Questions dropped because too many were in work.',
    }),
  }
}
