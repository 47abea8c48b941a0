/** `(` and `-(` open a group, `)` closes it, `,` stands for "or", everything else is a term. */
export type Token = '(' | '-(' | ')' | ',' | { readonly term: string }

/** Groups deeper than this are text. */
const deepest = 20

/**
 * Cuts a filter at blanks outside quotes. A comma is an "or" where a blank or the end follows, and else belongs to the values of its
 * key; a parenthesis counts where a group begins or ends, and else belongs to a name. Pure.
 */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let depth = 0
  for (let word of text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []) {
    for (let open = /^-?\(/.exec(word); open && depth < deepest; open = /^-?\(/.exec(word)) {
      tokens.push(open[0] as '(' | '-(')
      word = word.slice(open[0].length)
      depth += 1
    }
    const closing: Token[] = []
    while (word.endsWith(',') || (word.endsWith(')') && depth > 0)) {
      if (word.endsWith(')')) depth -= 1
      closing.unshift(word.at(-1) as ',' | ')')
      word = word.slice(0, -1)
    }
    if (word !== '') tokens.push({ term: word })
    tokens.push(...closing)
  }
  return tokens
}
