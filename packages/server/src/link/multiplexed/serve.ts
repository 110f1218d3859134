import { TRPCError } from '@trpc/server'
import { parseConnectionParamsFromString, type TRPCRequestInfo } from '@trpc/server/http'
import {
  isRealtimeError,
  type MultiplexedRequest,
  multiplexedPath,
  parseMultiplexedRequest,
} from '@trpc-sse/protocol'
import { errorOf } from '../call/errors.ts'
import type { RunMode } from '../call/subscription-call.ts'
import { keyedConnectedFrame, startedFrame } from '../call/wire-writer.ts'
import { send } from '../connection/connection.ts'
import { drainingError, isRefusal, tooManyChanges } from '../connection/limits.ts'
import type { IncomingBody } from '../request/body.ts'
import { type Credentials, ownerOf } from '../request/credentials.ts'
import { requestInfo } from '../request/match.ts'
import {
  admit,
  askContext,
  reserve,
  type ServeOptions,
  type Service,
  spread,
  startResponse,
} from '../serve.ts'
import { type Answerable, answerError, answerErrors, answerJson } from './answer.ts'
import { createMultiplexedStream, type MultiplexedStream } from './stream.ts'
import type { Multiplexer } from './streams.ts'

/** What multiplexed mode takes beside what every stream does. */
export interface MultiplexedOptions extends ServeOptions {
  readonly multiplexer: Multiplexer
  /** The most subscriptions that one connection may have. */
  readonly subscriptionsPerConnection: number
}

/** One request to `~sse`. */
export interface MultiplexedService extends Service {
  /** What it says of who sends it. */
  readonly credentials: Credentials
  /** Reads the body. Rejects if it is too large, too late, or no JSON by its content type. */
  readBody(body: IncomingBody): Promise<string>
}

/** Whether a request is for multiplexed mode. Some clients and proxies write characters of the path as `%7E` and the like. */
export function isMultiplexed(method: string, path: string): boolean {
  return method === 'POST' && (path === multiplexedPath || unescaped(path) === multiplexedPath)
}

function unescaped(path: string): string {
  return path.replace(/%([0-7][0-9a-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}

/** How subscriptions of a link run in multiplexed mode. */
export function createMultiplexedMode(
  mode: Omit<RunMode, 'onStart' | 'onEnd' | 'endsAbortedInSilence'>,
): RunMode {
  return {
    ...mode,
    endsAbortedInSilence: false,
    onStart: ({ connection, key, live }, position) =>
      send(connection, startedFrame({ key, live }, position)),
    onEnd: ({ over, context }) => context.runInAsyncScope(() => over.abort()),
  }
}

/** One request to `~sse` that is being served. */
interface Serving extends Answerable {
  readonly service: MultiplexedService
  readonly stream: MultiplexedStream
  /** What it asks for, once that was read. */
  set: MultiplexedRequest | undefined
  /** Whether an error is about what it asks for, and not about the request itself. */
  isAsked: boolean
}

/** Serves a request for a stream, or a control request for one. Resolves when the answer has started. */
export async function serveMultiplexed(
  options: MultiplexedOptions,
  service: MultiplexedService,
): Promise<void> {
  const connection = options.connections.add(service.exchange)
  const stream = createMultiplexedStream(options, service, connection)
  connection.served = stream
  const info = requestInfo([], service.url, connection.over.signal)
  const serving: Serving = {
    service,
    stream,
    connection,
    info,
    ctx: undefined,
    set: undefined,
    isAsked: false,
  }
  // Whoever is to leave before there is a stream has its answer at once.
  connection.begin = () =>
    connection.context.runInAsyncScope(() =>
      answerError(options, service, serving, drainingError()),
    )
  try {
    // What the client does not wait for isn't begun: nobody would give its place back.
    connection.over.signal.throwIfAborted()
    if (options.isOff) throw isOffError()
    options.limiter.enter(connection, service.address)
    await serveBody(options, serving)
  } catch (cause) {
    await answerFailure(options, serving, errorOf(cause))
  }
}

/** Serves a request; its body counts until it has its stream or its answer, or has left. */
async function serveBody(options: MultiplexedOptions, serving: Serving): Promise<void> {
  const { connection } = serving
  const body = options.bodies.begin(connection.pendingAt)
  connection.body = body
  try {
    const set = await readSet(options, serving, body)
    if (connection.closed) return
    serving.set = set
    if (set.connectionId === undefined) await openStream(options, serving, set)
    else await control(options, serving, set, set.connectionId)
  } finally {
    connection.body = undefined
    body.release()
  }
}

async function readSet(
  options: MultiplexedOptions,
  { service, connection }: Serving,
  body: IncomingBody,
): Promise<MultiplexedRequest> {
  const text = await service.readBody(body)
  // For what can't be a control request there must be a place before it is looked at.
  if (!text.includes('"connectionId"')) reserve(options, service, connection)
  try {
    return parseMultiplexedRequest(text, { subscriptions: options.subscriptionsPerConnection })
  } catch (error) {
    throw isRealtimeError(error) ? invalid(error.message, error) : error
  }
}

async function openStream(
  options: MultiplexedOptions,
  serving: Serving,
  set: MultiplexedRequest,
): Promise<void> {
  const { service, stream, connection } = serving
  await stream.prepare(set, connectionParamsOf(service.url))
  if (connection.closed) return
  serving.info = requestInfo([...stream.requests.values()], service.url, connection.over.signal)
  serving.isAsked = true
  serving.ctx = await admit(options, service, connection, serving.info)
  serving.isAsked = false
  connection.begin = undefined
  startResponse(options, service, serving)
  if (connection.closed) return
  const { key } = connection
  const connectionId = options.multiplexer.add(stream, (id) =>
    ownerOf(key, id, service.credentials),
  )
  const connected = { connectionId, ...options.clientOptions }
  send(connection, keyedConnectedFrame(connected, spread(options.clock, options.retryMs)))
  stream.start()
  if (set.maxDurationMs !== undefined) void options.connections.limit(connection, set.maxDurationMs)
}

function connectionParamsOf({ searchParams }: URL): TRPCRequestInfo['connectionParams'] {
  const params = searchParams.get('connectionParams')
  return params === null ? null : parseConnectionParamsFromString(params)
}

async function control(
  options: MultiplexedOptions,
  serving: Serving,
  set: MultiplexedRequest,
  connectionId: string,
): Promise<void> {
  const { service, connection } = serving
  const { multiplexer } = options
  // Nobody is asked who it is for what would have no effect.
  let answer = multiplexer.refusal({ connectionId, set })
  if (answer === undefined) {
    serving.isAsked = true
    answer = await askContext(options, service, serving.info, async ({ ctx, key, isStale }) => {
      serving.isAsked = false
      serving.ctx = ctx
      const owner = await ownerOf(key, connectionId, service.credentials)
      const about = {
        openedAt: options.clock.now(),
        paths: Object.values(set.subscriptions).map(({ path }) => path),
      }
      return await multiplexer.control({ connectionId, owner, set }, () => isStale(about))
    })
  }
  if (connection.closed) return
  switch (answer.type) {
    case 'applied':
      return answerJson(options, service, serving, {
        status: 200,
        json: JSON.stringify({ revision: answer.revision }),
      })
    case 'busy':
      return answerError(options, service, serving, tooManyChanges(), answer.retryAfterMs)
    case 'invalid':
      throw invalid(answer.message)
    case 'unknown':
      throw new TRPCError({
        code: 'NOT_FOUND',
        message: 'There is no such connection. Open a new stream.',
      })
  }
}

/** The client then asks in single mode, and gets the answer of tRPC's own handler. */
function isOffError(): TRPCError {
  return new TRPCError({
    code: 'NOT_FOUND',
    message: 'Subscriptions over SSE are off: see sse.enabled of initTRPC.',
  })
}

function invalid(message: string, cause?: unknown): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message, cause })
}

async function answerFailure(
  options: MultiplexedOptions,
  serving: Serving,
  error: TRPCError,
): Promise<void> {
  const { service, stream, connection, set, isAsked } = serving
  // Who has left in the middle of its request is nobody to answer, and nothing to tell of.
  if (set === undefined && connection.closed) return
  if (!isAsked || isRefusal(error)) return answerError(options, service, serving, error)
  // A control request's are looked up only if there is something to say of them.
  if (set && stream.requests.size === 0) await stream.prepare(set, null)
  await answerErrors(options, service, serving, stream.requests, error)
}
