import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isPlainObject, RealtimeError, type RealtimeErrorIssue } from '@trpc-sse/protocol'
import { badRequest } from '../subscription/errors.ts'
import { ignoreRejection, isPromiseLike } from '../user-code/calls.ts'
import { describeIssues, issuesOf } from './issues.ts'

/** The maximum length of a log's key, in characters. */
const maxKeyLength = 1_024
/** The maximum nesting depth of params. */
const maxDepth = 256

/**
 * Returns the key of the log for a channel and its params. Equal params always have the same key,
 * whatever the order of their properties; different params have different keys. Throws BAD_REQUEST
 * for invalid params.
 */
export function channelKey(
  name: string,
  schema: StandardSchemaV1 | undefined,
  params: unknown,
): string {
  if (schema === undefined) return JSON.stringify([name])
  const key = `[${JSON.stringify(name)},${canonicalJson(name, validParams(name, schema, params), 0)}]`
  if (key.length <= maxKeyLength) return key
  throw invalidParams(
    name,
    `as JSON they have ${key.length} characters; the limit is ${maxKeyLength}`,
  )
}

/** Returns the params as their schema returns them. Throws BAD_REQUEST for invalid params. */
export function validParams(name: string, schema: StandardSchemaV1, params: unknown): unknown {
  const result = schema['~standard'].validate(params)
  if (isPromiseLike(result)) {
    ignoreRejection(result)
    throw invalidParams(name, 'their schema is async; use a sync one')
  }
  if (result.issues)
    throw invalidParams(name, describeIssues(result.issues), issuesOf(result.issues))
  return result.value
}

/**
 * Writes JSON with sorted keys. Refuses values that JSON would change: different params could then
 * have the same log.
 */
function canonicalJson(name: string, value: unknown, depth: number): string {
  if (depth > maxDepth) throw invalidParams(name, `they are nested more than ${maxDepth} deep`)
  if (typeof value === 'number' && !Number.isFinite(value))
    throw invalidParams(name, `${value} can't name a log`)
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean'
  )
    return JSON.stringify(value)
  if (Array.isArray(value))
    return `[${value.map((item) => canonicalJson(name, item, depth + 1)).join(',')}]`
  if (!isPlainObject(value)) {
    throw invalidParams(
      name,
      `${describeType(value)} can't name a log; use strings, numbers, booleans, arrays, objects`,
    )
  }
  let text = ''
  for (const key of Object.keys(value).sort()) {
    const property = value[key]
    if (property === undefined) continue
    text += `${text && ','}${JSON.stringify(key)}:${canonicalJson(name, property, depth + 1)}`
  }
  return `{${text}}`
}

function describeType(value: unknown): string {
  return typeof value === 'object' ? Object.prototype.toString.call(value) : typeof value
}

function invalidParams(
  name: string,
  why: string,
  issues: readonly RealtimeErrorIssue[] = [],
): Error {
  const message = `The params of channel ${JSON.stringify(name)} don't fit: ${why}.`
  return badRequest(new RealtimeError('INVALID_PARAMS', message, { issues }))
}
