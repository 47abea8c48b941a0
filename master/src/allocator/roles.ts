/**
 * Why a role name is refused, or undefined when it is good: `*`, or components separated by `/` (Mesos contract 5.1).
 * `foo..bar`, `...` and `foo/.bar` are good names.
 */
export function checkRole(role: string): string | undefined {
  if (role === '*') return undefined
  if (role === '') return 'a role name must not be empty'
  if (role.length > 255) return `a role name has at most 255 characters, this one has ${role.length}`
  for (const part of role.split('/')) {
    const reason = checkComponent(part)
    if (reason) return `role '${role}': ${reason}`
  }
  return undefined
}

function checkComponent(part: string): string | undefined {
  if (part === '') return 'it starts or ends with a slash, or has two in a row'
  if (part === '.' || part === '..' || part === '*') return `'${part}' can not be a component`
  if (part.startsWith('-')) return `component '${part}' starts with a dash`
  for (const character of part) {
    const code = character.codePointAt(0)!
    if (code <= 0x20 || code === 0x7f || /\s/.test(character)) return 'it holds white space or a control character'
  }
  return undefined
}

/** Whether `ancestor` is a role above `role`, as `a` is above `a/b`. */
export function isAncestor(ancestor: string, role: string): boolean {
  return role.length > ancestor.length && role.startsWith(ancestor) && role[ancestor.length] === '/'
}

/** The roles above `role`, nearest first. */
export function ancestorsOf(role: string): string[] {
  const parts = role.split('/')
  const ancestors: string[] = []
  while (parts.pop() !== undefined && parts.length > 0) ancestors.push(parts.join('/'))
  return ancestors
}

/** The top-level role that a role is or is below. */
export function topOf(role: string): string {
  const slash = role.indexOf('/')
  return slash < 0 ? role : role.slice(0, slash)
}
