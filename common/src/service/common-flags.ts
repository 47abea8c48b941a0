import { defineFlags } from './flags.ts'
import { logLevels } from './logger.ts'

/** The flags that every component has; spread into its own: `defineFlags({ ...commonFlags(5050), zk: … })`. */
export function commonFlags<const Port extends number>(port: Port) {
  return defineFlags({
    ip: {
      type: 'string',
      default: '127.0.0.1',
      help: 'The address to listen on; without authentication a loopback one.',
    },
    port: { type: 'number', default: port as number, help: 'The port to listen on; 0 means any free one.' },
    hostname: { type: 'string', help: 'The name others reach this process by; the ip unless given.' },
    work_dir: { type: 'string', help: 'The folder that holds what this process keeps.' },
    log_level: { type: 'string', default: 'info', choices: logLevels, help: 'How much is logged.' },
    cluster_name: { type: 'string', default: 'meseta', help: 'The name of the cluster.' },
  })
}
