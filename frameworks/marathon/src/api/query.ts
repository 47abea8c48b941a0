import type { FastifyRequest } from 'fastify'
import type { Client } from '../core/effects.ts'
import { Problems, Refusal } from '../core/errors.ts'
import { checkGroupId, type PathId, resolveId } from '../core/paths.ts'

type Query = Readonly<Record<string, string | string[] | undefined>>

const queryOf = (request: FastifyRequest): Query => request.query as Query

/** `true` in any case (old clients send Python's `True`); `false` and what is not there are as said. */
export function flagOf(request: FastifyRequest, name: string, otherwise = false): boolean {
  const value = textOf(request, name)
  if (value === undefined || value === '') return otherwise
  return value.toLowerCase() === 'true'
}

export function textOf(request: FastifyRequest, name: string): string | undefined {
  const value = queryOf(request)[name]
  return Array.isArray(value) ? value.at(-1) : value
}

/** All values of a parameter that may be given more than once, under any of these names. */
export const allOf = (request: FastifyRequest, ...names: readonly string[]): string[] =>
  names.flatMap(name => queryOf(request)[name] ?? [])

/** An id from a URL, with or without slashes around it. What can be no id is refused before it is looked up. */
export function idOf(text: string): PathId {
  const id = resolveId(`/${text}`)
  const problems = new Problems()
  checkGroupId(id, '/id', problems)
  problems.throwRules()
  return id
}

export const clientOf = (request: FastifyRequest): Client => ({ ip: request.ip, uri: request.url.split('?')[0] ?? '' })

/** The body of a request that must have one. */
export function bodyOf(request: FastifyRequest): unknown {
  if (request.body === undefined || request.body === null)
    throw new Refusal(400, 'Invalid JSON', { details: ['the request has no body'] })
  return request.body
}
