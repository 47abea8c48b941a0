import { type DestinationStream, destination, type Logger, pino } from 'pino'

/** The words of `--log-level`, most talkative first. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LoggerOptions {
  /** The component, named in each line as `component`. */
  readonly name: string
  readonly level: LogLevel
  /** A file to append to; without it, standard error. */
  readonly file?: string | undefined
  /** Where lines go instead, for tests and for the screens of the command line. */
  readonly stream?: DestinationStream
}

/** Field names whose values are never logged, wherever they lie within the first two levels of an event. */
const secretNames = [
  'authorization',
  'Authorization',
  'cookie',
  'password',
  'passwd',
  'secret',
  'token',
  'access_token',
  'private_key',
  'credential',
  'credentials',
]

const redacted = secretNames.flatMap(name => [name, `*.${name}`, `*.*.${name}`, `*["set-cookie"]`, `["set-cookie"]`])

/**
 * A logger that writes one JSON event a line. Fields of events use the names of the wires: `task_id`, `agent_id`,
 * `framework_id`, `app_id`. Values of fields that are called like secrets are replaced by `[hidden]`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const target = options.stream ?? openDestination(options.file)
  return pino(
    {
      level: options.level,
      base: { component: options.name },
      redact: { paths: [...new Set(redacted)], censor: '[hidden]' },
      formatters: { level: label => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
    },
    target,
  )
}

/** Lines that can not be written (the reader is gone, the disk is full) are lost; the process goes on. */
function openDestination(file: string | undefined): DestinationStream {
  const target =
    file === undefined
      ? destination({ fd: 2, sync: true })
      : destination({ dest: file, append: true, mkdir: true, sync: true })
  target.on('error', () => undefined)
  return target
}
