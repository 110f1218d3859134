import type { TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { Clock } from '@trpc-sse/protocol'
import { errorOf } from './call/errors.ts'
import type { Connection } from './connection/connection.ts'
import { disconnectedError, drainingError, mayReturnSoon } from './connection/refusals.ts'
import type { LinkParts } from './link-parts.ts'
import type { RequestServices } from './request/services.ts'
import { errorJson } from './router.ts'

/** Gives a connection its slot, unless it has one. Throws if the client can't have a stream. */
export function reserveSlot(
  { connections, limiter }: LinkParts,
  { connectionKey }: RequestServices,
  connection: Connection,
): void {
  if (connections.isDraining) throw drainingError()
  if (connection.isClosed || connection.hasSlot) return
  limiter.takeSlot(connection)
  // Without `connectionKey`, connections are counted by address, which is already known.
  if (!connectionKey) limiter.addConnection(connection, undefined)
}

/**
 * Admits a connection: gives it a slot, waits for its turn, creates its context and sets its owner.
 * Returns the context. Throws if the client can't have a stream.
 */
export async function admit(
  parts: LinkParts,
  services: RequestServices,
  connection: Connection,
  info: TRPCRequestInfo,
): Promise<unknown> {
  const { limiter, admission, clock } = parts
  reserveSlot(parts, services, connection)
  const turn = admission.open(connection)
  if (turn) await turn
  // The client is gone: start nothing for it.
  if (connection.isClosed) return undefined
  return await identify(parts, services, info, ({ ctx, key, wasDisconnected }) => {
    // The client has left in the meantime, so the connection gets no owner.
    if (connection.isClosed) return ctx
    const paths = connection.stream?.paths() ?? []
    if (wasDisconnected({ openedAt: clock.now(), paths })) throw disconnectedError()
    if (services.connectionKey) limiter.addConnection(connection, key)
    limiter.endRequest(connection)
    connection.setOwner(key, ctx)
    return ctx
  })
}

/** The sender of a request. */
export interface Sender {
  readonly ctx: unknown
  /** The owner, which the app's `connectionKey` returned. */
  readonly key: string | undefined
  /**
   * Whether a `disconnect` matched the sender while its context was created. If so, the context is
   * out of date.
   */
  wasDisconnected(about: { readonly openedAt: number; readonly paths: readonly string[] }): boolean
}

/**
 * Creates the context of a request, and calls `use` with its sender. Until `use` settles,
 * `disconnect` also applies to this request.
 */
export async function identify<TResult>(
  { connections: { disconnects } }: LinkParts,
  { createContext, connectionKey, address }: RequestServices,
  info: TRPCRequestInfo,
  use: (sender: Sender) => TResult | Promise<TResult>,
): Promise<TResult> {
  const pending = disconnects.begin()
  try {
    const ctx = await createContext(info)
    const key = connectionKey?.(ctx)
    const sender = { key, address: key === undefined ? address : undefined, ctx, bytesWaiting: 0 }
    return await use({
      ctx,
      key,
      wasDisconnected: ({ openedAt, paths }) =>
        pending.wasDisconnected({ ...sender, paths, openedAt: new Date(openedAt) }),
    })
  } finally {
    pending.end()
  }
}

/** The connection, request and context of a response. */
export interface ResponseSubject {
  readonly connection: Connection
  readonly info: TRPCRequestInfo
  readonly ctx: unknown
}

/** Starts the response. If the app's `responseMeta` throws, sends that error, as tRPC does. */
export function startResponse(
  { router }: LinkParts,
  { responseHead, reportError }: Pick<RequestServices, 'responseHead' | 'reportError'>,
  { connection, info, ctx }: ResponseSubject,
): void {
  if (connection.isStarted || connection.isClosed) return
  try {
    connection.start(responseHead(ctx, info))
  } catch (cause) {
    const subject = { path: info.calls[0]?.path ?? '', input: undefined, ctx }
    const error = errorOf(cause)
    reportError(error, subject)
    connection.start({ status: 500, headers: [['content-type', 'application/json']] })
    const json = errorJson({ router, error, ...subject })
    connection.send(new TextEncoder().encode(`{"error":${json}}`))
    connection.end()
  }
}

/**
 * Returns a random time between 0.5 and 1.5 times `ms`, so that not all clients return at the same
 * time.
 */
export function spread(clock: Clock, ms: number): number {
  return Math.round(ms * (0.5 + clock.random()))
}

/**
 * Returns the time that a refused client waits, in milliseconds. It is short if another server will
 * answer, and longer if this server must first get room.
 */
export function refusedRetryMs({ clock, retryMs }: LinkParts, error: TRPCError): number {
  return spread(clock, mayReturnSoon(error) ? retryMs : 5_000)
}
