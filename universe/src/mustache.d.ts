/** What we use of the `mustache` package, which brings no types: its parser. */
declare module 'mustache' {
  /** [kind, name or text, start, end, inner tokens?, start of the closing tag?] */
  export type Token = [string, string, number, number, Token[]?, number?]
  export class Writer {
    templateCache: unknown
    parse(template: string, tags?: [string, string]): Token[]
  }
  const mustache: { Writer: typeof Writer }
  export default mustache
}
