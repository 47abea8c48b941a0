/** A message that can not be understood: malformed, of a wrong type, or without something required. Answer it with a 400. */
export class BadMessage extends Error {
  /** Where in the message, as `accept.operations[0].launch.task_infos[0].task_id.value`; empty: the message as a whole. */
  readonly path: string
  /** What is wrong there, as a phrase that follows the path. */
  readonly reason: string

  constructor(path: string, reason: string) {
    super(path === '' ? reason : `${path}: ${reason}`)
    this.name = 'BadMessage'
    this.path = path
    this.reason = reason
  }
}
