import type { TRPCError } from '@trpc/server'
import { getHTTPStatusCodeFromError, type TRPCRequestInfo } from '@trpc/server/http'
import { multiplexedPath } from '@trpc-sse/protocol'
import { type Connection, end, send } from '../connection/connection.ts'
import { isRefusal } from '../connection/limits.ts'
import type { SubscriptionRequest } from '../request/match.ts'
import { errorJson } from '../router.ts'
import { refusedRetryMs, type ServeOptions, type Service, startResponse } from '../serve.ts'

/** A request that is answered without a stream. */
export interface Answerable {
  readonly connection: Connection
  info: TRPCRequestInfo
  ctx: unknown
}

/** How an answer is sent. */
export interface AnswerOptions {
  readonly status: number
  readonly json: string
  /** After how long trying again may help. */
  readonly retryAfterMs?: number | undefined
  /** Whether the next request must not come on the same socket. */
  readonly isLast?: boolean
}

/** Answers with JSON, and with the headers that a stream would have had: those for CORS are among them. */
export function answerJson(
  options: ServeOptions,
  service: Service,
  { connection, info, ctx }: Answerable,
  { status, json, retryAfterMs, isLast }: AnswerOptions,
): void {
  const responseHead: Service['responseHead'] = (...about) => {
    const headers = new Headers([...service.responseHead(...about).headers])
    headers.set('content-type', 'application/json')
    if (retryAfterMs !== undefined) {
      headers.set('retry-after', String(Math.ceil(retryAfterMs / 1_000)))
      headers.append('access-control-expose-headers', 'retry-after')
    }
    if (isLast) headers.set('connection', 'close')
    return { status, headers }
  }
  startResponse(options, { ...service, responseHead }, { connection, info, ctx })
  send(connection, new TextEncoder().encode(json))
  end(connection)
}

/** Answers with an error of the request itself. */
export function answerError(
  options: ServeOptions,
  service: Service,
  request: Answerable,
  error: TRPCError,
  retryAfterMs?: number,
): void {
  const about = { path: multiplexedPath, input: undefined, ctx: request.ctx }
  // A client that has lost its stream is nothing to tell of: it opens another one.
  if (error.code !== 'NOT_FOUND') service.onError(error, about)
  const refused = isRefusal(error)
  if (refused) options.connections.counters.refused += 1
  answerJson(options, service, request, {
    status: getHTTPStatusCodeFromError(error),
    json: `{"error":${errorJson({ router: options.router, error, ...about })}}`,
    retryAfterMs: retryAfterMs ?? (refused ? refusedRetryMs(options, error) : undefined),
    isLast: (refused && options.connections.draining) || error.code === 'TIMEOUT',
  })
}

/** Answers with one error for each of the subscriptions, as if each had been asked for alone. */
export async function answerErrors(
  options: ServeOptions,
  service: Service,
  request: Answerable,
  requests: ReadonlyMap<string, SubscriptionRequest>,
  error: TRPCError,
): Promise<void> {
  const jsons: Array<readonly [key: string, json: string]> = []
  for (const [key, { path, subject, getRawInput }] of requests) {
    // An input that can't be read isn't told of: the context comes before it.
    await getRawInput().catch(() => {})
    const about = { path, input: subject.input, ctx: request.ctx }
    service.onError(error, about)
    jsons.push([key, errorJson({ router: options.router, error, ...about })])
  }
  const [first] = jsons
  if (first === undefined) return answerError(options, service, request, error)
  const errors = jsons.map(([key, json]) => `${JSON.stringify(key)}:${json}`)
  answerJson(options, service, request, {
    status: getHTTPStatusCodeFromError(error),
    json: `{"error":${first[1]},"errors":{${errors.join(',')}}}`,
  })
}
