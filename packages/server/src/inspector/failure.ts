import { isRealtimeError } from '@trpc-sse/protocol'
import { logToConsole } from '../user-code/calls.ts'
import { short } from './bounds.ts'
import type { Failure } from './messages.ts'

/** The maximum number of issues that are shown. */
const maxIssues = 20

/** Writes an error for the page. Unexpected errors go to the console, without details for the page. */
export function toFailure(thrown: unknown): Failure {
  // Errors about input carry the library's own one as their cause.
  const cause = thrown instanceof Error && isRealtimeError(thrown.cause) ? thrown.cause : thrown
  if (isRealtimeError(cause)) {
    const issues = cause.issues.slice(0, maxIssues).map(({ path, message }) => ({
      path: (path ?? []).map((part) => String(part)).join('.'),
      message: short(message),
    }))
    return { error: { code: cause.code, message: short(cause.message, 1_000), issues } }
  }
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string')
    return { error: { code: thrown.code, message: short(thrown.message, 1_000) } }
  logToConsole('trpc-sse: the inspector failed', thrown)
  const message = 'The inspector failed. The console of the server has the error.'
  return { error: { code: 'INTERNAL_SERVER_ERROR', message } }
}
