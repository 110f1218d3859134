import type { TRPCError } from '@trpc/server'
import { getHTTPStatusCodeFromError } from '@trpc/server/http'
import { multiplexedPath } from '@trpc-sse/protocol'
import { isRefusal } from '../connection/refusals.ts'
import type { LinkParts } from '../link-parts.ts'
import type { RequestServices } from '../request/services.ts'
import type { SubscriptionRequest } from '../request/subscription-request.ts'
import { errorJson } from '../router.ts'
import { type ResponseSubject, refusedRetryMs, startResponse } from '../serve.ts'

/** One JSON response instead of a stream. */
export interface JsonAnswer {
  readonly status: number
  readonly json: string
  /** The time that the client waits before it retries, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** Whether the socket closes after the response. */
  readonly closesSocket?: boolean
}

/** Responds with JSON. The response has the headers of a stream, including those for CORS. */
export function answerJson(
  parts: LinkParts,
  services: RequestServices,
  subject: ResponseSubject,
  { status, json, retryAfterMs, closesSocket }: JsonAnswer,
): void {
  const responseHead: RequestServices['responseHead'] = (...about) => {
    const headers = new Headers([...services.responseHead(...about).headers])
    headers.set('content-type', 'application/json')
    if (retryAfterMs !== undefined) {
      headers.set('retry-after', String(Math.ceil(retryAfterMs / 1_000)))
      headers.append('access-control-expose-headers', 'retry-after')
    }
    if (closesSocket) headers.set('connection', 'close')
    return { status, headers }
  }
  startResponse(parts, { responseHead, reportError: services.reportError }, subject)
  subject.connection.send(new TextEncoder().encode(json))
  subject.connection.end()
}

/** Responds with an error of the request itself. */
export function answerError(
  parts: LinkParts,
  services: RequestServices,
  subject: ResponseSubject,
  error: TRPCError,
  retryAfterMs?: number,
): void {
  const about = { path: multiplexedPath, input: undefined, ctx: subject.ctx }
  // NOT_FOUND needs no report: a client that has lost its stream just opens a new one.
  if (error.code !== 'NOT_FOUND') services.reportError(error, about)
  const isRefused = isRefusal(error)
  if (isRefused) parts.connections.refused(error, undefined)
  answerJson(parts, services, subject, {
    status: getHTTPStatusCodeFromError(error),
    json: `{"error":${errorJson({ router: parts.router, error, ...about })}}`,
    retryAfterMs: retryAfterMs ?? (isRefused ? refusedRetryMs(parts, error) : undefined),
    closesSocket: (isRefused && parts.connections.isDraining) || error.code === 'TIMEOUT',
  })
}

/** Responds with an error for each subscription, as if each had been requested separately. */
export async function answerErrors(
  parts: LinkParts,
  services: RequestServices,
  subject: ResponseSubject,
  requests: ReadonlyMap<string, SubscriptionRequest>,
  error: TRPCError,
): Promise<void> {
  const jsons: Array<readonly [key: string, json: string]> = []
  for (const [key, { path, subject: asked, getRawInput }] of requests) {
    // Ignore an invalid input: the context failed before the input was needed.
    await getRawInput().catch(() => {})
    const about = { path, input: asked.input, ctx: subject.ctx }
    services.reportError(error, about)
    jsons.push([key, errorJson({ router: parts.router, error, ...about })])
  }
  const [first] = jsons
  if (first === undefined) return answerError(parts, services, subject, error)
  const errors = jsons.map(([key, json]) => `${JSON.stringify(key)}:${json}`)
  answerJson(parts, services, subject, {
    status: getHTTPStatusCodeFromError(error),
    json: `{"error":${first[1]},"errors":{${errors.join(',')}}}`,
  })
}
