import { browseFiles, downloadFile, readText } from '@meseta/common/files/files-api'
import { HttpError } from '@meseta/common/service/errors'
import { parseDuration } from '@meseta/common/service/flag-text'
import type { HealthReport } from '@meseta/common/service/health'
import type { Verbosity } from '@meseta/common/service/verbosity'
import { jsonAnswer } from './json-answer.ts'
import type { OwnProcess } from './own-process.ts'
import { type ApiAnswer, type ApiRequest, empty, headerOf, json, refusal } from './transport.ts'
import { versionInfo } from './version.ts'

// What every master answers about its own process, whoever leads (Mesos contract 1.2, 4).

type OwnRoute = (own: OwnProcess, request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>

/** Each may throw an HttpError, or reject with one. */
export const ownRoutes: Readonly<Record<string, OwnRoute>> = {
  '/health': (own, request) => health(own.health(), request),
  '/version': (own, request) => jsonAnswer(request, JSON.stringify(versionInfo(own))),
  '/flags': (own, request) =>
    request.method === 'GET' || request.method === 'HEAD'
      ? jsonAnswer(request, JSON.stringify({ flags: own.flags }))
      : refusal(405, 'Expecting GET', { allow: 'GET' }),
  '/metrics/snapshot': (own, request) => {
    const { timeout } = queryOf(request)
    // All of them are at hand: nobody waits.
    if (timeout !== undefined) durationOf('timeout', timeout)
    return jsonAnswer(request, JSON.stringify(own.metrics()))
  },
  '/logging/toggle': ({ verbosity }, request) => toggle(verbosity, queryOf(request)),
  '/files/browse': async ({ files }, request) =>
    jsonAnswer(request, JSON.stringify(await browseFiles(files, queryOf(request)))),
  '/files/read': async ({ files }, request) =>
    jsonAnswer(request, JSON.stringify(await readText(files, queryOf(request)))),
  '/files/download': async ({ files }, request) => ({ status: 200, ...(await downloadFile(files, queryOf(request))) }),
  '/files/debug': ({ attached }, request) => jsonAnswer(request, JSON.stringify(attached)),
}

/** Of several values of one name the last. */
const queryOf = ({ query }: ApiRequest): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(new URLSearchParams(query))

/** Without a word while all is well, as the original (Mesos contract 4); what is not well is said to anybody, the rest to who asks for JSON. */
function health(report: HealthReport, request: ApiRequest): ApiAnswer {
  if (report.status === 'ok' && !headerOf(request, 'accept')?.includes('application/json')) return empty(200)
  return { ...json(JSON.stringify(report)), status: report.status === 'down' ? 503 : 200 }
}

/** `?level=1&duration=5mins` makes the log talkative for a while; without both it says how talkative it is. */
function toggle(verbosity: Verbosity, { level, duration }: ReturnType<typeof queryOf>): ApiAnswer {
  if (level === undefined && duration === undefined)
    return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${verbosity.level}\n` }
  if (duration === undefined) throw new HttpError(400, "Expecting 'duration=value' in query.")
  if (level === undefined) throw new HttpError(400, "Expecting 'level=value' in query.")
  if (!/^\d{1,9}$/.test(level)) throw new HttpError(400, `Invalid level '${level.slice(0, 100)}'.`)
  verbosity.set(Number(level), durationOf('duration', duration))
  return empty(200)
}

/** Milliseconds. */
function durationOf(name: string, text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined) return milliseconds
  throw new HttpError(400, `Failed to parse ${name} '${text.slice(0, 100)}': expecting one such as 5mins.`)
}
