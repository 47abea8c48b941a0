import { isRegex, type Rules } from './rules.ts'

const operators = new Set(['UNIQUE', 'CLUSTER', 'GROUP_BY', 'MAX_PER', 'LIKE', 'UNLIKE', 'IS'])
const isValue = /^[a-zA-Z0-9_/.-]*$/

/** The rules of one placement constraint `[field, OPERATOR, value?]` (contract 5). */
export function checkConstraint(rules: Rules, path: string, constraint: readonly string[]): void {
  const [field, operator, value] = constraint
  if (constraint.length < 2 || constraint.length > 3 || field === undefined || operator === undefined) {
    rules.fail(path, 'Each constraint must have either 2 or 3 fields')
    return
  }
  if (field === '') rules.fail(path, 'the field of a constraint must not be empty')
  if (!operators.has(operator)) {
    rules.fail(path, `unknown operator '${operator}': must be one of ${[...operators].join(', ')}`)
    return
  }
  const complaint = complaintAbout(operator, value)
  if (complaint !== undefined) rules.fail(path, complaint)
}

function complaintAbout(operator: string, value: string | undefined): string | undefined {
  const whole = value !== undefined && /^\d{1,9}$/.test(value)
  switch (operator) {
    case 'UNIQUE':
      return value === undefined ? undefined : 'Value specified but not used'
    case 'GROUP_BY':
      return value === undefined || (whole && Number(value) > 0) ? undefined : 'Value was specified but is not a number'
    case 'MAX_PER':
      return whole ? undefined : 'A number value must be specified for MAX_PER'
    case 'LIKE':
    case 'UNLIKE':
      if (value === undefined) return 'A regular expression value must be provided'
      return isRegex(value) ? undefined : `'${value}' is not a valid regular expression`
    case 'IS':
      return value !== undefined && isValue.test(value) ? undefined : `IS needs a value that matches ${isValue.source}`
    default:
      return undefined
  }
}
