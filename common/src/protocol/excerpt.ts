/**
 * The beginning of a text that others gave, to be quoted in a sentence: at most `length` UTF-16 units and a `…`. Never ends
 * in half of a surrogate pair, which no encoding could carry.
 */
export function excerpt(text: string, length = 255): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`
}
