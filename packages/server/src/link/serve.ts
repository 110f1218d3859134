import { type AnyTRPCRouter, getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { Clock, ConnectedData } from '@trpc-sse/protocol'
import type { Connection } from './connection.ts'
import type { Connections, OpenConnection } from './connections.ts'
import { createFrames, type Frames } from './frames.ts'
import { drainingError, isRefusal, type Limiter } from './limits.ts'
import { requestInfo, type SubscriptionRequest } from './request.ts'
import type { Exchange, ResponseHead } from './sink.ts'
import { createSubscriptionRun, type SubscriptionRun } from './subscription-run.ts'
import { callSubscription, errorJson, routerConfig } from './trpc.ts'

/** What a link serves subscriptions with. */
export interface ServeOptions {
  readonly router: AnyTRPCRouter
  readonly connections: Connections
  readonly limiter: Limiter
  readonly clock: Clock
  /** The middle of the time that a client is told to wait before it reconnects, in milliseconds. */
  readonly retryMs: number
  readonly clientOptions: ConnectedData
}

/** One subscription to be served, with what the outside world has to say to it. */
export interface SubscriptionService {
  readonly request: SubscriptionRequest
  readonly url: URL
  readonly exchange: Exchange
  createContext(info: TRPCRequestInfo): unknown
  /** What connections are limited by. */
  connectionKey(ctx: unknown): string | undefined
  /** Told once of each error. Doesn't throw. */
  onError(error: TRPCError, ctx: unknown): void
  /** How the response starts: tRPC's `responseMeta`, and the headers that the context set. */
  responseHead(ctx: unknown, info: TRPCRequestInfo): ResponseHead
}

/** How long a refused client is told to wait, in milliseconds: between half and one and a half of it. */
const refusedRetryMs = 5_000

/** Serves one subscription on a stream of its own. Resolves when its procedure or the stream is over. */
export async function serveSubscription(options: ServeOptions, service: SubscriptionService): Promise<void> {
  const { request } = service
  const call: Call = { ctx: undefined, respond: () => {} }
  const frames = createFrames(routerConfig(options.router).output, request.lastEventId)
  const open = options.connections.add(service.exchange, (connection) =>
    createRun(options, service, { connection, frames, call }),
  )
  const { connection, served: run } = open
  const info = requestInfo(request, service.url, connection.signal)
  call.respond = () => respond(options, service, { connection, info, ctx: call.ctx })

  const outcome = await callProcedure(options, service, { open, info, call }).then(
    (result) => ({ result }),
    (cause: unknown) => ({ error: getTRPCErrorFromUnknown(cause) }),
  )
  call.respond()
  if ('result' in outcome) return await run.run(outcome.result)
  if (!isRefusal(outcome.error)) return run.fail(outcome.error)
  if (!connection.signal.aborted) options.connections.counters.refused += 1
  run.refuse(outcome.error, spread(options.clock, refusedRetryMs))
}

/** A call while it is served. */
interface Call {
  /** What `createContext` made; `undefined` until then. */
  ctx: unknown
  /** Starts the response, if it has not started and somebody waits for it. */
  respond(): void
}

interface CallParts {
  readonly open: OpenConnection
  readonly info: TRPCRequestInfo
  readonly call: Call
}

/** Takes a place, makes the context and calls the procedure; what the client does not wait for isn't begun. */
async function callProcedure(
  { router, connections, limiter, clock }: ServeOptions,
  service: SubscriptionService,
  { open, info, call }: CallParts,
): Promise<unknown> {
  const { signal } = open.connection
  if (signal.aborted) return undefined
  if (connections.draining) throw drainingError()
  const place = limiter.take()
  signal.addEventListener('abort', place.release)
  call.ctx = await service.createContext(info)
  const key = service.connectionKey(call.ctx)
  if (key !== undefined) place.setKey(key)
  const { path, getRawInput } = service.request
  open.info = { key: key ?? '', path, ctx: call.ctx, openedAt: new Date(clock.now()) }
  if (signal.aborted) return undefined
  return await callSubscription({ router, path, ctx: call.ctx, getRawInput, signal })
}

interface ResponseParts {
  readonly connection: Connection
  readonly info: TRPCRequestInfo
  readonly ctx: unknown
}

function respond(
  { router }: ServeOptions,
  service: SubscriptionService,
  { connection, info, ctx }: ResponseParts,
): void {
  if (connection.opened || connection.signal.aborted) return
  try {
    connection.open(service.responseHead(ctx, info))
  } catch (cause) {
    // responseMeta threw: there is no stream without its headers. tRPC's adapters answer the same.
    const error = getTRPCErrorFromUnknown(cause)
    service.onError(error, ctx)
    const { path, input } = service.request
    connection.open({ status: 500, headers: new Headers({ 'content-type': 'application/json' }) })
    connection.send(new TextEncoder().encode(`{"error":${errorJson({ router, error, path, input, ctx })}}`))
    connection.end()
  }
}

interface RunParts {
  readonly connection: Connection
  readonly frames: Frames
  readonly call: Call
}

function createRun(
  { router, connections: { counters }, clock, retryMs, clientOptions }: ServeOptions,
  service: SubscriptionService,
  { connection, frames, call }: RunParts,
): SubscriptionRun {
  return createSubscriptionRun({
    connection,
    frames,
    lastEventId: service.request.lastEventId,
    onStart() {
      call.respond()
      connection.send(frames.connected(spread(clock, retryMs), clientOptions))
    },
    onEvent() {
      counters.eventsSent += 1
    },
    onGap() {
      counters.gaps += 1
    },
    onEnd: () => connection.end(),
    formatError(error) {
      const { path, input } = service.request
      service.onError(error, call.ctx)
      return errorJson({ router, error, path, input, ctx: call.ctx })
    },
  })
}

/** Between half and one and a half of a time: not all clients come back at once. */
function spread(clock: Clock, ms: number): number {
  return Math.round(ms * (0.5 + clock.random()))
}
