import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { Clock, ConnectedData } from '@trpc-sse/protocol'
import { errorOf } from './call/errors.ts'
import type { RunMode, TellError } from './call/subscription-call.ts'
import type { Admission } from './connection/admission.ts'
import { type Connection, end, hold, isOpen, open, send } from './connection/connection.ts'
import type { Connections } from './connection/connections.ts'
import { disconnectedError, drainingError, isForNow, type Limiter } from './connection/limits.ts'
import type { Exchange, ResponseHead } from './connection/response-writer.ts'
import type { RateLimit } from './connection/token-bucket.ts'
import type { AddressReader } from './request/address.ts'
import type { Bodies } from './request/body.ts'
import { errorJson } from './router.ts'

/** What a link serves subscriptions with. */
export interface ServeOptions {
  readonly router: AnyTRPCRouter
  readonly connections: Connections
  readonly limiter: Limiter
  readonly admission: Admission
  readonly bodies: Bodies
  readonly addressOf: AddressReader
  readonly clock: Clock
  /** The middle of the time that a client is told to wait before it reconnects, in milliseconds. */
  readonly retryMs: number
  readonly clientOptions: ConnectedData
  /** Whether subscriptions are switched off (`sse.enabled`): then tRPC says so. */
  readonly isOff: boolean
  /** Whether streams end as soon as there is nothing more to say (`sse.emitAndEndImmediately`). */
  readonly emitsAndEnds: boolean
  /** How often the set of one stream may change. */
  readonly changes: RateLimit
  /** How subscriptions run in single mode. */
  readonly single: RunMode
  /** How subscriptions run in multiplexed mode. */
  readonly multiplexed: RunMode
}

/** What the outside world has to say to one request. */
export interface Service {
  readonly url: URL
  readonly exchange: Exchange
  /** Where it comes from; `undefined` if that isn't known. */
  readonly address: string | undefined
  createContext(info: TRPCRequestInfo): unknown
  /** Whose a connection is, as the app tells; `undefined` where the app has no such function. */
  readonly connectionKey: ((ctx: unknown) => string | undefined) | undefined
  /** Restores the app's async context, for what another instance was asked to start here. */
  readonly runWithContext: ((ctx: never, run: () => void) => unknown) | undefined
  readonly onError: TellError
  /** How the response starts: tRPC's `responseMeta`, and the headers that the context set. */
  responseHead(ctx: unknown, info: TRPCRequestInfo): ResponseHead
}

/**
 * Takes a place among the connections, if it has none yet, for a request that was let in. Throws what keeps the client from having a
 * stream, before anything is done for it.
 */
export function reserve(
  { connections, limiter }: ServeOptions,
  { connectionKey }: Service,
  connection: Connection,
): void {
  if (connections.draining) throw drainingError()
  if (connection.closed || connection.isConnection) return
  limiter.take(connection)
  // Where the app tells no keys, it is known already what it counts for.
  if (!connectionKey) limiter.takeKey(connection, undefined)
}

/** Takes a place and makes the context. Throws what keeps the client from having a stream. */
export async function admit(
  options: ServeOptions,
  service: Service,
  connection: Connection,
  info: TRPCRequestInfo,
): Promise<unknown> {
  const { limiter, admission, clock } = options
  reserve(options, service, connection)
  const turn = admission.open(connection)
  if (turn) await turn
  // What the client does not wait for isn't begun.
  if (connection.closed) return undefined
  return await askContext(options, service, info, ({ ctx, key, isStale }) => {
    // Who has left meanwhile holds nothing.
    if (connection.closed) return ctx
    if (isStale({ openedAt: clock.now(), paths: connection.served?.paths(connection) ?? [] }))
      throw disconnectedError()
    if (service.connectionKey) limiter.takeKey(connection, key)
    limiter.settle(connection)
    hold(connection, key, ctx)
    return ctx
  })
}

/** Who has sent a request. */
export interface Asked {
  readonly ctx: unknown
  /** Whose it is, as the app tells. */
  readonly key: string | undefined
  /** Whether it was disconnected since its context was begun, being for these paths: then it has to ask anew. */
  isStale(about: { readonly openedAt: number; readonly paths: readonly string[] }): boolean
}

/**
 * Makes the context of a request, and passes on who that is. Until what `use` does is done, the request is one of those that a
 * disconnect concerns.
 */
export async function askContext<TResult>(
  { connections: { disconnects } }: ServeOptions,
  { createContext, connectionKey, address }: Service,
  info: TRPCRequestInfo,
  use: (asked: Asked) => TResult | Promise<TResult>,
): Promise<TResult> {
  const asking = disconnects.ask()
  try {
    const ctx = await createContext(info)
    const key = connectionKey?.(ctx)
    const who = { key, address: key === undefined ? address : undefined, ctx, bytesWaiting: 0 }
    return await use({
      ctx,
      key,
      isStale: ({ openedAt, paths }) =>
        asking.isStale({ ...who, paths, openedAt: new Date(openedAt) }),
    })
  } finally {
    asking.end()
  }
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
    const error = errorOf(cause)
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
export function refusedRetryMs({ clock, retryMs }: ServeOptions, error: TRPCError): number {
  return spread(clock, isForNow(error) ? retryMs : 5_000)
}
