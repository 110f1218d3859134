import type { TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { Clock } from '@trpc-sse/protocol'
import { errorOf } from './call/errors.ts'
import type { Connection } from './connection/connection.ts'
import { disconnectedError, drainingError, mayReturnSoon } from './connection/refusals.ts'
import type { LinkParts } from './link-parts.ts'
import type { RequestServices } from './request/services.ts'
import { errorJson } from './router.ts'

/** Gives a connection its slot, if it has none yet. Throws if the client can't have a stream. */
export function reserveSlot(
  { connections, limiter }: LinkParts,
  { connectionKey }: RequestServices,
  connection: Connection,
): void {
  if (connections.isDraining) throw drainingError()
  if (connection.isClosed || connection.hasSlot) return
  limiter.takeSlot(connection)
  // Where the app tells no keys, connections are counted by address, which is known already.
  if (!connectionKey) limiter.addConnection(connection, undefined)
}

/**
 * Admits a connection: gives it a slot, waits for its turn, makes its context and sets its owner.
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
  // The client is gone: nothing is begun for it.
  if (connection.isClosed) return undefined
  return await identify(parts, services, info, ({ ctx, key, wasDisconnected }) => {
    // It left meanwhile, and owns nothing.
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
  /** The owner, as the app's `connectionKey` tells. */
  readonly key: string | undefined
  /**
   * Whether `disconnect` applied to it since its context was begun: then it must be asked again.
   */
  wasDisconnected(about: { readonly openedAt: number; readonly paths: readonly string[] }): boolean
}

/**
 * Makes the context of a request, and calls `use` with its sender. Until `use` is done,
 * `disconnect` applies to the request.
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

/** What a response is about. */
export interface ResponseSubject {
  readonly connection: Connection
  readonly info: TRPCRequestInfo
  readonly ctx: unknown
}

/**
 * Starts the response. If the app's `responseMeta` throws, answers with that error, as tRPC does.
 */
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
 * Returns between half and one and a half times so many milliseconds: not all clients return at
 * once.
 */
export function spread(clock: Clock, ms: number): number {
  return Math.round(ms * (0.5 + clock.random()))
}

/**
 * How long a refused client waits: until another server answers, or there may be room here. In
 * milliseconds.
 */
export function refusedRetryMs({ clock, retryMs }: LinkParts, error: TRPCError): number {
  return spread(clock, mayReturnSoon(error) ? retryMs : 5_000)
}
