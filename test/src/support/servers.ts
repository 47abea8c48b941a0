import { zookeeperServerMissing } from '@meseta/common/coordination/zookeeper-server'
import { natsServerMissing } from '@meseta/common/messaging/nats-server'

/** Why tests on real servers are skipped here, or false when they run. */
export function missingServers(): string | false {
  return zookeeperServerMissing() ?? natsServerMissing() ?? false
}
