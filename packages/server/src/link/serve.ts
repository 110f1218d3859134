import { type AnyTRPCRouter, getTRPCErrorFromUnknown } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { Clock, ConnectedData } from '@trpc-sse/protocol'
import type { Admission } from './admission.ts'
import { type Connection, end, hold, isOpen, open, send } from './connection.ts'
import type { Connections } from './connections.ts'
import { drainingError, type Limiter } from './limits.ts'
import type { Exchange, ResponseHead } from './sink.ts'
import type { RunMode, TellError } from './subscription-run.ts'
import { errorJson } from './trpc.ts'

/** What a link serves subscriptions with. */
export interface ServeOptions {
  readonly router: AnyTRPCRouter
  readonly connections: Connections
  readonly limiter: Limiter
  readonly admission: Admission
  readonly clock: Clock
  /** The middle of the time that a client is told to wait before it reconnects, in milliseconds. */
  readonly retryMs: number
  readonly clientOptions: ConnectedData
  /** Restores the app's async context, for what another instance was asked to start here. */
  readonly runWithContext: ((ctx: never, run: () => void) => unknown) | undefined
  /** How subscriptions run in single mode. */
  readonly single: RunMode
  /** How subscriptions run in multiplexed mode. */
  readonly multiplexed: RunMode
}

/** What the outside world has to say to one request. */
export interface Service {
  readonly url: URL
  readonly exchange: Exchange
  createContext(info: TRPCRequestInfo): unknown
  /** What connections are limited by. */
  connectionKey(ctx: unknown): string | undefined
  readonly onError: TellError
  /** How the response starts: tRPC's `responseMeta`, and the headers that the context set. */
  responseHead(ctx: unknown, info: TRPCRequestInfo): ResponseHead
}

/** Takes a place and makes the context. Throws what keeps the client from having a stream. */
export async function admit(
  { connections, limiter, admission }: ServeOptions,
  service: Service,
  connection: Connection,
  info: TRPCRequestInfo,
): Promise<unknown> {
  if (connections.draining) throw drainingError()
  if (connection.closed) return undefined
  limiter.take()
  connection.counted = true
  const turn = admission.enter(connection)
  if (turn) await turn
  // What the client does not wait for isn't begun.
  if (connection.closed) return undefined
  const ctx = await service.createContext(info)
  const key = service.connectionKey(ctx)
  // Who has left meanwhile holds nothing.
  if (connection.closed) return ctx
  if (key !== undefined) limiter.takeKey(key)
  hold(connection, key, ctx)
  return ctx
}

/** Starts the response. If `responseMeta` throws there is no stream without its headers: it is answered as tRPC does. */
export function startResponse(
  { router }: Pick<ServeOptions, 'router'>,
  service: Pick<Service, 'responseHead' | 'onError'>,
  { connection, info, ctx }: { connection: Connection; info: TRPCRequestInfo; ctx: unknown },
): void {
  if (isOpen(connection) || connection.closed) return
  try {
    open(connection, service.responseHead(ctx, info))
  } catch (cause) {
    const path = info.calls[0]?.path ?? ''
    const error = getTRPCErrorFromUnknown(cause)
    service.onError(error, { path, input: undefined, ctx })
    open(connection, { status: 500, headers: [['content-type', 'application/json']] })
    const json = errorJson({ router, error, path, input: undefined, ctx })
    send(connection, new TextEncoder().encode(`{"error":${json}}`))
    end(connection)
  }
}

/** Between half and one and a half of a time: not all clients come back at once. */
export function spread(clock: Clock, ms: number): number {
  return Math.round(ms * (0.5 + clock.random()))
}

/** How long a refused client is told to wait, in milliseconds: until there is room here, or for another server to answer. */
export function refusedRetryMs({ connections, clock, retryMs }: ServeOptions): number {
  return spread(clock, connections.draining ? retryMs : 5_000)
}
