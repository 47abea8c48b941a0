import type { Page, Write } from '../replica/pages.ts'
import { type ApiAnswer, refusal } from './transport.ts'

/** The function that `?jsonp=` names; the refusal of what can be no name of one. */
export function callbackOf(query: URLSearchParams): string | undefined | ApiAnswer {
  const name = query.get('jsonp')
  if (name === null) return undefined
  if (name.length <= 200 && /^[A-Za-z_$][\w$.]*$/.test(name)) return name
  return refusal(400, 'jsonp: must be the name of a function, as in angular.callbacks._0')
}

/** A script that calls the function with the JSON that is written (Mesos contract 1.7). */
export function scripted(callback: string, write: Write): Write {
  return function* (page) {
    const script: Page = {
      text: text => page.text(inScript(text)),
      bytes: bytes => page.text(inScript(Buffer.from(bytes).toString())),
      row: () => page.row(),
    }
    page.text(`${callback}(`)
    yield* write(script)
    page.text(');')
  }
}

/** In a script two characters end a line that in JSON are text. */
export const inScript = (json: string): string => json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
