import { type AnyTRPCRouter, getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { Clock, ConnectedData } from '@trpc-sse/protocol'
import type { Connection } from './connection.ts'
import type { Connections, OpenConnection } from './connections.ts'
import type { SubscriptionFrames } from './frames.ts'
import { drainingError, type Limiter } from './limits.ts'
import type { SubscriptionRequest } from './request.ts'
import type { Exchange, ResponseHead } from './sink.ts'
import { createSubscriptionRun, type SubscriptionRun } from './subscription-run.ts'
import type { Outlet } from './teller.ts'
import { errorJson, routerConfig } from './trpc.ts'

/** What a link serves subscriptions with. */
export interface ServeOptions {
  readonly router: AnyTRPCRouter
  readonly connections: Connections
  readonly limiter: Limiter
  readonly clock: Clock
  /** The middle of the time that a client is told to wait before it reconnects, in milliseconds. */
  readonly retryMs: number
  readonly clientOptions: ConnectedData
  /** How subscriptions in single mode are written. */
  readonly singleFrames: SubscriptionFrames
}

/** What the outside world has to say to one request. */
export interface Service {
  readonly url: URL
  readonly exchange: Exchange
  createContext(info: TRPCRequestInfo): unknown
  /** What connections are limited by. */
  connectionKey(ctx: unknown): string | undefined
  /** Told once of each error. Doesn't throw. */
  onError(error: TRPCError, about: ErrorSubject): void
  /** How the response starts: tRPC's `responseMeta`, and the headers that the context set. */
  responseHead(ctx: unknown, info: TRPCRequestInfo): ResponseHead
}

/** What an error is about. */
export interface ErrorSubject {
  readonly path: string
  readonly input: unknown
  readonly ctx: unknown
}

/** Takes a place and makes the context. Throws what keeps the client from having a stream. */
export async function admit(
  { connections, limiter, clock }: ServeOptions,
  service: Service,
  open: OpenConnection,
  info: TRPCRequestInfo,
): Promise<unknown> {
  const { signal } = open.connection
  if (connections.draining) throw drainingError()
  const place = limiter.take()
  signal.addEventListener('abort', place.release)
  const ctx = await service.createContext(info)
  const key = service.connectionKey(ctx)
  if (key !== undefined) place.setKey(key)
  const { served } = open
  open.info = {
    key: key ?? '',
    ctx,
    openedAt: new Date(clock.now()),
    // Those of the moment: in multiplexed mode they come and go.
    get paths() {
      return served.paths
    },
  }
  return ctx
}

/** Starts the response. If `responseMeta` throws there is no stream without its headers: it is answered as tRPC does. */
export function startResponse(
  { router }: ServeOptions,
  service: Service,
  { connection, info, ctx }: { connection: Connection; info: TRPCRequestInfo; ctx: unknown },
): void {
  if (connection.opened || connection.signal.aborted) return
  try {
    connection.open(service.responseHead(ctx, info))
  } catch (cause) {
    const path = info.calls[0]?.path ?? ''
    const error = getTRPCErrorFromUnknown(cause)
    service.onError(error, { path, input: undefined, ctx })
    connection.open({ status: 500, headers: [['content-type', 'application/json']] })
    connection.send(
      new TextEncoder().encode(`{"error":${errorJson({ router, error, path, input: undefined, ctx })}}`),
    )
    connection.end()
  }
}

/** What a run is made of, beside what the link gives. */
export interface RunParts {
  readonly request: SubscriptionRequest
  readonly outlet: Outlet
  readonly frames: SubscriptionFrames
  readonly signal: AbortSignal
  ctx(): unknown
  onStart(position: string | undefined): void
  onEnd(): void
}

/** Creates the run of one procedure call, counted and with its errors told. */
export function createRun(
  { router, connections: { counters } }: ServeOptions,
  { onError }: Service,
  { request: { subject, lastEventId }, ctx, ...parts }: RunParts,
): SubscriptionRun {
  return createSubscriptionRun({
    ...parts,
    output: routerConfig(router).output,
    lastEventId,
    counters,
    formatError(error) {
      const about = { ...subject, ctx: ctx() }
      onError(error, about)
      return errorJson({ router, error, ...about })
    },
  })
}

/** Between half and one and a half of a time: not all clients come back at once. */
export function spread(clock: Clock, ms: number): number {
  return Math.round(ms * (0.5 + clock.random()))
}

/** How long a refused client is told to wait, in milliseconds: until there is room here, or for another server to answer. */
export function refusedRetryMs({ connections, clock, retryMs }: ServeOptions): number {
  return spread(clock, connections.draining ? retryMs : 5_000)
}
