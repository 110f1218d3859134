import type { TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { Clock } from '@trpc-sse/protocol'
import { errorOf } from './call/errors.ts'
import type { Connection } from './connection/connection.ts'
import type { Disconnects } from './connection/disconnects.ts'
import { disconnectedError, drainingError, mayReturnSoon } from './connection/refusals.ts'
import type { LinkParts } from './link-parts.ts'
import { ownerOfKey } from './request/credentials.ts'
import type { RequestServices } from './request/services.ts'
import { errorJson } from './router.ts'

/** Gives a connection its slot, unless it has one. Throws if the client can't have a stream. */
export function reserveSlot(
  { connections, limiter }: LinkParts,
  { hasKeys }: RequestServices,
  connection: Connection,
): void {
  if (connections.isDraining) throw drainingError()
  if (connection.isClosed || connection.hasSlot) return
  limiter.takeSlot(connection)
  // Without `connectionKey`, connections are counted by address, which is already known.
  if (!hasKeys) limiter.addConnection(connection, undefined)
}

/**
 * Admits a connection: gives it a slot, waits for its turn, creates its context and sets its owner.
 * Returns the context. Throws if the client can't have a stream. `replaces` is the connection id of
 * a stream that the client has lost.
 */
export async function admit(
  parts: LinkParts,
  services: RequestServices,
  connection: Connection,
  info: TRPCRequestInfo,
  replaces?: string,
): Promise<unknown> {
  const { limiter, admission, fleet } = parts
  reserveSlot(parts, services, connection)
  const joining = fleet?.join()
  if (joining) await joining
  const turn = admission.open(connection)
  if (turn) await turn
  // The client is gone: start nothing for it.
  if (connection.isClosed) return undefined
  const sender = new Sender(parts, services)
  try {
    const ctx = await services.createContext(info)
    sender.identify(ctx)
    // The client has left in the meantime, so the connection gets no owner.
    if (connection.isClosed) return ctx
    if (replaces !== undefined) await endLost(parts, replaces, sender.key)
    const counting = countForKey(parts, connection, sender.key, info)
    if (counting) await counting
    if (connection.isClosed) return ctx
    if (sender.wasDisconnected(() => connection.stream?.paths() ?? [])) throw disconnectedError()
    const expiresAtMs = services.expiresAt(ctx)
    if (expiresAtMs !== undefined) parts.connections.expire(connection, expiresAtMs)
    if (services.hasKeys) limiter.addConnection(connection, sender.key)
    limiter.endRequest(connection)
    connection.setOwner(sender.key, ctx)
    const { number: stream, key } = connection
    if (parts.tracer.isOn) parts.tracer.report('opened', { stream, key })
    return ctx
  } finally {
    sender.end()
  }
}

/** Ends a stream that the client has lost, so that it takes no room of its key any more. */
async function endLost(
  { streams, keys }: LinkParts,
  connectionId: string,
  key: string | undefined,
): Promise<void> {
  if (key === undefined) return
  await streams.end({ ends: connectionId, owner: ownerOfKey(key) }, keys.areOfFleet)
}

/** Counts a connection for its key, if it has one. Returns a promise if others count too. */
function countForKey(
  { keys, limiter }: LinkParts,
  connection: Connection,
  key: string | undefined,
  { calls }: TRPCRequestInfo,
): Promise<void> | undefined {
  if (key === undefined) return undefined
  const counting = keys.open(connection, key, calls.length)
  // Its owner is known now. While it waits for room, it no longer counts for its address.
  if (counting) limiter.endRequest(connection)
  return counting
}

/**
 * The sender of a request. Until `end` is called, `disconnect` also applies to this request. Call
 * `end` once.
 */
export class Sender {
  /** The result of `createContext`. */
  ctx: unknown = undefined
  /** The owner, which the app's `connectionKey` returned. */
  key: string | undefined = undefined
  readonly #services: RequestServices
  readonly #clock: Clock
  readonly #disconnects: Disconnects
  /** How many disconnects were before its context was begun. */
  readonly #since: number

  constructor({ clock, connections: { disconnects } }: LinkParts, services: RequestServices) {
    this.#services = services
    this.#clock = clock
    this.#disconnects = disconnects
    this.#since = disconnects.begin()
  }

  /** Sets the result of `createContext`, and gets the owner's key from the app. */
  identify(ctx: unknown): void {
    this.ctx = ctx
    this.key = this.#services.keyOf(ctx)
  }

  /**
   * Whether a `disconnect` matched the sender while its context was created. If so, the context is
   * out of date.
   */
  wasDisconnected(paths: () => readonly string[]): boolean {
    const { ctx, key } = this
    return this.#disconnects.applySince(this.#since, () => ({
      key,
      address: key === undefined ? this.#services.address : undefined,
      ctx,
      paths: paths(),
      subscriptions: 0,
      openedAt: new Date(this.#clock.now()),
      bytesWaiting: 0,
    }))
  }

  end(): void {
    this.#disconnects.end()
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
  services: Pick<RequestServices, 'responseHead' | 'reportError'>,
  { connection, info, ctx }: ResponseSubject,
): void {
  if (connection.isStarted || connection.isClosed) return
  try {
    connection.start(services.responseHead(ctx, info))
  } catch (cause) {
    const subject = { path: info.calls[0]?.path ?? '', input: undefined, ctx }
    const error = errorOf(cause)
    services.reportError(error, subject)
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
