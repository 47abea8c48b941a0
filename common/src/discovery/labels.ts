/** How names become DNS labels (discovery contract 1.3). */
export interface LabelRule {
  /** Longest label, in characters. */
  readonly max: number
  /** Characters that a label may not begin with. */
  readonly lead: RegExp
}

/** The default: up to 63 characters, no leading dash. */
export const rfc1123: LabelRule = { max: 63, lead: /^-+/ }
/** The old host-name rule: up to 24 characters, beginning with a letter. */
export const rfc952: LabelRule = { max: 24, lead: /^[-0-9]+/ }

/** Names longer than this are cut before they are looked at: no label is longer, and a name comes from whoever runs a task. */
const longestName = 4096

function mapCharacters(name: string): string {
  return name
    .slice(0, longestName)
    .replace(/[A-Z]/g, letter => letter.toLowerCase())
    .replace(/[._]/g, '-')
    .replace(/[^a-z0-9-]/g, '')
}

/**
 * One label from any text: letters lower-cased, `.` and `_` made dashes, everything else removed, cut to the rule's length.
 * A dash at the cut is replaced by what follows it. Answers '' when nothing is left.
 */
export function label(name: string, rule: LabelRule = rfc1123): string {
  const mapped = mapCharacters(name).replace(rule.lead, '')
  const cut = mapped.slice(0, rule.max)
  const head = cut.replace(/-+$/, '')
  if (head.length === cut.length) return head
  const tail = mapped.slice(rule.max).replace(/^-+/, '')
  return head + tail.slice(0, cut.length - head.length)
}

/** A framework's (or a VIP's) name as a fragment of a domain: split at dots, each part a label, empty parts dropped. */
export function domainFragment(name: string, rule: LabelRule = rfc1123): string {
  return name
    .slice(0, longestName)
    .split('.')
    .map(part => label(part, rule))
    .filter(part => part !== '')
    .join('.')
}
