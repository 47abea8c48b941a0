/** An agent as the master's feed shows it. */
export const agentOf = (id: string, ip: string) => ({
  id,
  hostname: ip,
  pid: `slave(1)@${ip}:5051`,
  port: 5051,
  active: true,
  attributes: {},
  resources: { cpus: 4, gpus: 0, mem: 1024, disk: 1024, ports: '[31000-32000]' },
})

/** The n-th running task as the master's feed shows it. */
export const taskOf = (n: number) => ({
  id: `app-${n}.1`,
  name: `app-${n}`,
  framework_id: 'F',
  framework_name: 'marathon',
  executor_id: '',
  slave_id: 'A-S0',
  state: 'TASK_RUNNING',
  resources: { cpus: 0.1, gpus: 0, mem: 32, disk: 0, ports: `[${31000 + n}-${31000 + n}]` },
  statuses: [
    {
      state: 'TASK_RUNNING',
      timestamp: 1,
      container_status: { network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: '127.0.0.2' }] }] },
    },
  ],
})
