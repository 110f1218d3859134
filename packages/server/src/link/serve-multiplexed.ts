import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import {
  getHTTPStatusCodeFromError,
  parseConnectionParamsFromString,
  type TRPCRequestInfo,
} from '@trpc/server/http'
import {
  isRealtimeError,
  type MultiplexedRequest,
  multiplexedPath,
  parseMultiplexedRequest,
} from '@trpc-sse/protocol'
import { type Connection, end, send } from './connection.ts'
import { keyedConnectedFrame } from './frames.ts'
import { isRefusal } from './limits.ts'
import { createMultiplexedStream } from './multiplexed-stream.ts'
import type { Multiplexer } from './multiplexer.ts'
import { requestInfo } from './request.ts'
import { admit, refusedRetryMs, type ServeOptions, type Service, spread, startResponse } from './serve.ts'
import { errorJson } from './trpc.ts'

/** What multiplexed mode takes beside what every stream does. */
export interface MultiplexedOptions extends ServeOptions {
  readonly multiplexer: Multiplexer
  /** The most subscriptions that one connection may have. */
  readonly subscriptionsPerConnection: number
}

/** One request to `~sse`. */
export interface MultiplexedService extends Service {
  /** Reads the body. Rejects if it is too large, or no JSON by its content type. */
  readBody(): Promise<string>
}

/** Whether a request is for multiplexed mode. Some clients and proxies write the path with a `%7E`. */
export function isMultiplexed(method: string, path: string): boolean {
  return method === 'POST' && path.replace(/^%7e/i, '~') === multiplexedPath
}

/** Serves a request for a stream, or a control request for one. Resolves when the answer has started. */
export async function serveMultiplexed(
  options: MultiplexedOptions,
  service: MultiplexedService,
): Promise<void> {
  const connection = options.connections.add(service.exchange)
  const stream = createMultiplexedStream(options, service, connection)
  connection.served = stream
  const { signal } = connection.over
  let info = requestInfo([], service.url, signal)
  let ctx: unknown
  let set: MultiplexedRequest | undefined
  try {
    set = await readSet(options, service)
    if (set.connectionId !== undefined) return await control(options, service, { connection, info, set })
    await stream.prepare(set, connectionParamsOf(service.url))
    if (connection.closed) return
    info = requestInfo([...stream.requests.values()], service.url, signal)
    ctx = await admit(options, service, connection, info)
    startResponse(options, service, { connection, info, ctx })
    if (connection.closed) return
    const connectionId = options.multiplexer.add(stream, connection.key ?? '')
    const connected = { connectionId, ...options.clientOptions }
    send(connection, keyedConnectedFrame(connected, spread(options.clock, options.retryMs)))
    stream.start(ctx)
  } catch (cause) {
    // Who has left in the middle of its request is nobody to answer, and nothing to tell of.
    if (set === undefined && connection.closed) return
    answerError(options, service, { connection, info, ctx, error: getTRPCErrorFromUnknown(cause) })
  }
}

function connectionParamsOf({ searchParams }: URL): TRPCRequestInfo['connectionParams'] {
  const params = searchParams.get('connectionParams')
  return params === null ? null : parseConnectionParamsFromString(params)
}

async function readSet(
  options: MultiplexedOptions,
  service: MultiplexedService,
): Promise<MultiplexedRequest> {
  try {
    const limits = { subscriptions: options.subscriptionsPerConnection }
    return parseMultiplexedRequest(await service.readBody(), limits)
  } catch (error) {
    throw isRealtimeError(error) ? invalid(error.message, error) : error
  }
}

interface ControlParts {
  readonly connection: Connection
  readonly info: TRPCRequestInfo
  readonly set: MultiplexedRequest
}

async function control(
  options: MultiplexedOptions,
  service: MultiplexedService,
  { connection, info, set }: ControlParts,
): Promise<void> {
  const ctx = await service.createContext(info)
  const key = service.connectionKey(ctx) ?? ''
  const { connectionId = '' } = set
  const answer = await options.multiplexer.control({ connectionId, key, set })
  if (answer.type === 'invalid') throw invalid(answer.message)
  if (answer.type === 'unknown') {
    throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such connection. Open a new stream.' })
  }
  answerJson(options, service, {
    connection,
    info,
    ctx,
    status: 200,
    json: JSON.stringify({ revision: answer.revision }),
  })
}

function invalid(message: string, cause?: unknown): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message, cause })
}

interface AnswerParts {
  readonly connection: Connection
  readonly info: TRPCRequestInfo
  readonly ctx: unknown
}

function answerError(
  options: MultiplexedOptions,
  service: MultiplexedService,
  { error, ...parts }: AnswerParts & { readonly error: TRPCError },
): void {
  const about = { path: multiplexedPath, input: undefined, ctx: parts.ctx }
  // A client that has lost its stream is nothing to tell of: it opens another one.
  if (error.code !== 'NOT_FOUND') service.onError(error, about)
  const refused = isRefusal(error)
  if (refused) options.connections.counters.refused += 1
  const json = `{"error":${errorJson({ router: options.router, error, ...about })}}`
  answerJson(options, service, { ...parts, json, status: getHTTPStatusCodeFromError(error), refused })
}

/** Answers without a stream, with the headers that a stream would have had: those for CORS are among them. */
function answerJson(
  options: MultiplexedOptions,
  service: MultiplexedService,
  {
    connection,
    info,
    ctx,
    status,
    json,
    refused,
  }: AnswerParts & { status: number; json: string; refused?: boolean },
): void {
  const responseHead: Service['responseHead'] = (...about) => {
    const headers = new Headers([...service.responseHead(...about).headers])
    headers.set('content-type', 'application/json')
    if (refused) {
      headers.set('retry-after', String(Math.ceil(refusedRetryMs(options) / 1_000)))
      // The next attempt must not come back on the same socket.
      if (options.connections.draining) headers.set('connection', 'close')
      headers.append('access-control-expose-headers', 'retry-after')
    }
    return { status, headers }
  }
  startResponse(options, { ...service, responseHead }, { connection, info, ctx })
  send(connection, new TextEncoder().encode(json))
  end(connection)
}
