import { callbackOf, inScript } from './jsonp.ts'
import { type ApiAnswer, type ApiRequest, json } from './transport.ts'

/** JSON, or with `?jsonp=f` a script that calls f with it. */
export function jsonAnswer(request: ApiRequest, body: string): ApiAnswer {
  const callback = callbackOf(new URLSearchParams(request.query))
  if (callback === undefined) return json(body)
  if (typeof callback === 'object') return callback
  return { status: 200, headers: { 'content-type': 'text/javascript' }, body: `${callback}(${inScript(body)});` }
}
