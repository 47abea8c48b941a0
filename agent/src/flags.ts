import { defineFlags } from '@meseta/common/service/flags'
import { badEnvironment } from './executors/support.ts'

/** The flags of the agent beside those of every component (agent contract, section 11). */
export const agentFlags = defineFlags({
  work_dir: {
    type: 'string',
    required: true,
    help: 'The folder for sandboxes, checkpoints and what supervises containers; it belongs to one agent.',
  },
  log_file: { type: 'string', help: 'The file to which the log is appended; <work-dir>/agent.log unless given.' },
  runtime_dir: { type: 'string', help: 'Where running containers are kept track of; <work-dir>/runtime unless given.' },
  resources: {
    type: 'string',
    help: 'What is offered, name(role):value;… or JSON. cpus, mem, disk and ports not named here are those of the machine.',
  },
  attributes: { type: 'string', help: 'Attributes of this machine: rack:2;zone:a.' },
  task_path: {
    type: 'string',
    default: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    help: 'PATH of tasks, where sh, ln, mv, sync and env are found, too.',
  },
  executor_environment_variables: {
    type: 'json',
    secret: true,
    help: 'Environment variables of all tasks, as a JSON object of texts.',
  },
  switch_user: {
    type: 'boolean',
    default: true,
    help: 'Run tasks as the user they name, where the agent is root. An agent that is not root runs all of them as itself.',
  },
  executor_shutdown_grace_period: {
    type: 'duration',
    default: 5_000,
    help: 'What tasks get to end when their executor is shut down.',
  },
  gc_delay: { type: 'duration', default: 604_800_000, help: 'Age at which sandboxes of ended tasks are removed.' },
  fetcher_max_size: {
    type: 'bytes',
    default: 4 * 2 ** 30,
    help: 'Largest file that a task may fetch, also extracted.',
  },
  fetcher_timeout: { type: 'duration', default: 600_000, help: 'What the fetching of one URI may take.' },
  fetcher_stall_timeout: {
    type: 'duration',
    default: 60_000,
    help: 'A download that brings nothing for so long is given up.',
  },
  frameworks_home: { type: 'string', help: 'What relative paths of URIs are relative to.' },
})

/** The object of `--executor-environment-variables`. @throws {Error} naming what is wrong with it */
export function requireEnvironment(value: unknown): Record<string, string> {
  const flag = '--executor-environment-variables'
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${flag} must be a JSON object of texts`)
  const variables = Object.entries(value).map(([name, text]) => {
    if (typeof text !== 'string') throw new Error(`${flag}: the value of ${name} must be a text`)
    return { name, value: text }
  })
  const problem = badEnvironment({ variables })
  if (problem !== undefined) throw new Error(`${flag}: ${problem}`)
  return Object.fromEntries(variables.map(({ name, value: text }) => [name, text]))
}
