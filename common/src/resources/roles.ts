// Names of roles (Mesos contract 5.1): a tree, written as a path.

// biome-ignore lint/suspicious/noControlCharactersInRegex: DEL is one of the characters that are refused
const refused = /[\s\u0000-\u001f\u007f]/

/** Why a name is no role, as a phrase that follows it; undefined when it is one. `*` is one. */
export function checkRole(role: string): string | undefined {
  if (role === '*') return undefined
  if (role === '') return 'must not be empty'
  if (role.startsWith('/')) return "must not start with '/'"
  if (role.endsWith('/')) return "must not end with '/'"
  if (refused.test(role)) return 'must not contain whitespace or control characters'
  for (const part of role.split('/')) {
    if (part === '') return "must not contain '//'"
    if (part === '.' || part === '..') return `must not have the component '${part}'`
    if (part === '*') return "must not have the component '*'"
    if (part.startsWith('-')) return "must not have a component that starts with '-'"
  }
  return undefined
}

/** Is `role` below `ancestor` in the tree? No role is below itself. */
export function isStrictSubrole(role: string, ancestor: string): boolean {
  return role.length > ancestor.length + 1 && role.startsWith(ancestor) && role[ancestor.length] === '/'
}
