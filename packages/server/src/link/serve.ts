import { type AnyTRPCRouter, getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { Clock, ConnectedData } from '@trpc-sse/protocol'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
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
  /** Told once of each error. */
  onError(error: TRPCError, ctx: unknown): void
  /** How the response starts: tRPC's `responseMeta`, and the headers that the context set. */
  responseHead(ctx: unknown, info: TRPCRequestInfo): ResponseHead
}

/** How long a refused client is told to wait, in milliseconds: between half and one and a half of it. */
const refusedRetryMs = 5_000

/** Serves one subscription on a stream of its own. Resolves when its procedure or the stream is over. */
export async function serveSubscription(options: ServeOptions, service: SubscriptionService): Promise<void> {
  const { request } = service
  const state: { ctx: unknown } = { ctx: undefined }
  const frames = createFrames(routerConfig(options.router).output, request.lastEventId)
  const open = options.connections.add(service.exchange, (connection) =>
    createRun(options, service, { connection, frames, ctx: () => state.ctx }),
  )
  const { connection, served: run } = open
  const info = requestInfo(request, service.url, connection.signal)

  async function call(): Promise<unknown> {
    if (options.connections.draining) throw drainingError()
    const place = options.limiter.take()
    connection.signal.addEventListener('abort', () => place.release())
    state.ctx = await service.createContext(info)
    const key = service.connectionKey(state.ctx)
    if (key !== undefined) place.setKey(key)
    open.info = {
      key: key ?? '',
      path: request.path,
      ctx: state.ctx,
      openedAt: new Date(options.clock.now()),
    }
    const { path, getRawInput } = request
    return await callSubscription({
      router: options.router,
      path,
      ctx: state.ctx,
      getRawInput,
      signal: connection.signal,
    })
  }

  const outcome = await call().then(
    (result) => ({ result }),
    (cause: unknown) => ({ error: getTRPCErrorFromUnknown(cause) }),
  )
  connection.open(service.responseHead(state.ctx, info))
  if ('result' in outcome) return await run.run(outcome.result)
  if (!isRefusal(outcome.error)) return run.fail(outcome.error)
  options.connections.counters.refused += 1
  run.refuse(outcome.error, spread(options.clock, refusedRetryMs))
}

interface RunParts {
  readonly connection: Connection
  readonly frames: Frames
  ctx(): unknown
}

function createRun(
  { router, connections: { counters }, clock, retryMs, clientOptions }: ServeOptions,
  { request, onError }: SubscriptionService,
  { connection, frames, ctx }: RunParts,
): SubscriptionRun {
  return createSubscriptionRun({
    connection,
    frames,
    lastEventId: request.lastEventId,
    onStart: () => connection.send(frames.connected(spread(clock, retryMs), clientOptions)),
    onEvent() {
      counters.eventsSent += 1
    },
    onGap() {
      counters.gaps += 1
    },
    onEnd: () => connection.end(),
    formatError(error) {
      const { path, input } = request
      onError(error, ctx())
      return errorJson({ router, error, path, input, ctx: ctx() })
    },
  })
}

/** Between half and one and a half of a time: not all clients come back at once. */
function spread(clock: Clock, ms: number): number {
  return Math.round(ms * (0.5 + clock.random()))
}
