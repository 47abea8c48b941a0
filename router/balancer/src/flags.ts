import { commonFlags } from '@meseta/common/service/common-flags'
import { defineFlags, type FlagValues } from '@meseta/common/service/flags'
import { masterCredentialFlags } from '@meseta/common/service/own-credential'

/** Flags of the balancer. */
export const balancerFlags = defineFlags({
  ...commonFlags(62_080),
  ...masterCredentialFlags,
  master: {
    type: 'string',
    required: true,
    help: 'URLs of the masters, separated by commas: http://a:5050,http://b:5050.',
  },
  marathon: {
    type: 'string',
    help: 'URLs of Marathon, separated by commas: what it says of the health of instances, and which it is about to kill, counts.',
  },
  connect_timeout: { type: 'duration', default: 3_000, help: 'How long a backend may take to accept a connection.' },
  max_connections: { type: 'number', default: 16_384, help: 'Connections of one virtual IP; one more is reset.' },
  drain_timeout: { type: 'duration', default: 2_000, help: 'How long open connections have when the balancer stops.' },
})

export type BalancerFlags = FlagValues<typeof balancerFlags>
