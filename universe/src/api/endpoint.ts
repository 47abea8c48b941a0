import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { FormatProblem } from '../formats/fields.ts'
import { dropNulls, type Json, JsonProblem, parseJson, stringifyJson } from '../render/json.ts'
import { isCompatible, type MediaType, mediaType, negotiate, parseAccept, parseMediaType } from './media-type.ts'
import { forwardedProtocols, type Session, sessionOf } from './session.ts'

/** One call of the API: what it takes, what it answers, in which versions (catalog contract 4 and 5). */
export interface Endpoint<Request> {
  readonly path: string
  /** The `<x>` of `application/vnd.dcos.<x>-request+json`. */
  readonly type: string
  /** The versions of the answer, newest first. */
  readonly versions: readonly string[]
  read(body: Json): Request
  /** `version` is the one that the client chose. */
  handle(request: Request, session: Session, version: string): Promise<object>
}

/** A header or body that is not what it must be; `multiple_errors` when there are several. */
export class BadRequest extends Error {
  readonly problems: readonly RequestProblem[]
  constructor(problems: readonly RequestProblem[]) {
    super(problems.map(problem => problem.message).join('; '))
    this.name = 'BadRequest'
    this.problems = problems
  }
}

export interface RequestProblem {
  readonly type: 'not_present' | 'not_valid' | 'not_parsed'
  readonly message: string
}

const vendor = (type: string, version: string): MediaType =>
  mediaType(`application/vnd.dcos.${type}+json;charset=utf-8;version=${version}`)

export const errorType = vendor('package.error', 'v1').text

declare module 'fastify' {
  interface FastifyRequest {
    /** The Content-Type as sent: fastify would refuse some before we can say what else is wrong. */
    sentType?: string | undefined
  }
}

/** Bodies stay bytes, of whatever type: each endpoint says itself what it takes. */
export function takeBytes(app: FastifyInstance): void {
  app.decorateRequest('sentType', undefined)
  app.addHook('onRequest', async request => {
    request.sentType = request.headers['content-type']
    request.headers['content-type'] = 'application/octet-stream'
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** Adds a POST route whose headers and body are checked in the order Accept, Content-Type, body, all of them. */
export function addEndpoint<Request>(app: FastifyInstance, endpoint: Endpoint<Request>): void {
  const wanted = vendor(`${endpoint.type}-request`, 'v1')
  const offered = endpoint.versions.map(version => vendor(`${endpoint.type}-response`, version))
  app.post(endpoint.path, async (request, reply) => {
    const problems: RequestProblem[] = []
    const chosen = chooseAnswer(request, offered, problems)
    checkContentType(request, wanted, problems)
    const body = readBody(request, endpoint.read, problems)
    if (problems.length > 0) throw new BadRequest(problems)
    const version = chosen!.parameters.get('version')!
    const answer = await endpoint.handle(body!.value, sessionOf(request), version)
    return send(reply, chosen!, answer)
  })
}

/** Adds a GET route without a body. */
export function addReading(app: FastifyInstance, path: string, type: string, answer: () => object): void {
  const offered = [vendor(type, 'v1')]
  app.get(path, async (request, reply) => {
    const problems: RequestProblem[] = []
    const chosen = chooseAnswer(request, offered, problems)
    if (problems.length > 0) throw new BadRequest(problems)
    return send(reply, chosen!, answer())
  })
}

function send(reply: FastifyReply, type: MediaType, answer: object): FastifyReply {
  return reply.header('content-type', type.text).send(stringifyJson(dropNulls(answer as Json)))
}

function chooseAnswer(
  request: FastifyRequest,
  offered: readonly MediaType[],
  problems: RequestProblem[],
): MediaType | undefined {
  const { accept } = request.headers
  const types = accept === undefined ? undefined : parseAccept(accept)
  const chosen = types && negotiate(types, offered)
  if (accept === undefined) problems.push(missing("header 'Accept'"))
  else if (types === undefined) problems.push(unreadable("header 'Accept'", 'it is no list of media types'))
  else if (chosen === undefined) {
    problems.push(invalid("header 'Accept'", `should match one of: ${offered.map(type => type.text).join(', ')}`))
  }
  checkForwardedProtocol(request, problems)
  return chosen
}

export function checkForwardedProtocol(request: FastifyRequest, problems: RequestProblem[]): void {
  const protocol = request.headers['x-forwarded-proto']
  if (protocol !== undefined && !forwardedProtocols.includes(String(protocol))) {
    problems.push(invalid("header 'X-Forwarded-Proto'", 'should be http or https'))
  }
}

function checkContentType(request: FastifyRequest, wanted: MediaType, problems: RequestProblem[]): void {
  const text = request.sentType
  const type = text === undefined ? undefined : parseMediaType(text)
  if (text === undefined) problems.push(missing("header 'Content-Type'"))
  else if (type === undefined) problems.push(unreadable("header 'Content-Type'", 'it is no media type'))
  else if (!isCompatible(wanted, type)) problems.push(invalid("header 'Content-Type'", `should match: ${wanted.text}`))
}

function readBody<Request>(
  request: FastifyRequest,
  read: (body: Json) => Request,
  problems: RequestProblem[],
): { value: Request } | undefined {
  const bytes = request.body
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) {
    problems.push(missing('body'))
    return undefined
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { value: read(parseJson(text)) }
  } catch (error) {
    if (error instanceof JsonProblem || error instanceof FormatProblem) problems.push(unreadable('body', error.message))
    else if (error instanceof TypeError) problems.push(unreadable('body', 'it is not UTF-8 text'))
    else throw error
    return undefined
  }
}

export const missing = (item: string): RequestProblem => ({
  type: 'not_present',
  message: `Item ${item} not present but required`,
})
const invalid = (item: string, rule: string): RequestProblem => ({
  type: 'not_valid',
  message: `Item ${item} deemed invalid by rule: ${rule}`,
})
export const unreadable = (item: string, reason: string): RequestProblem => ({
  type: 'not_parsed',
  message: `Item '${item}' unable to be parsed: ${reason}`,
})
