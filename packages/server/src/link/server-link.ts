import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type {
  AnyTRPCRouter,
  CreateContextCallback,
  inferRouterContext,
  TRPCDataTransformer,
} from '@trpc/server'
import type { HTTPBaseHandlerOptions, ResponseMetaFn, TRPCRequestInfo } from '@trpc/server/http'
import { type Clock, elapsedTime, RealtimeError, systemClock } from '@trpc-sse/protocol'
import { type ChannelsBase, internalsOf } from '../channels.ts'
import { areSame } from '../codec/transformer.ts'
import { detachedClock } from '../user-code/async-context.ts'
import { keepAlive } from '../user-code/keep-alive.ts'
import { createKeyedFrames, createSingleFrames } from './call/wire-writer.ts'
import { createAdmission } from './connection/admission.ts'
import type { ConnectionInfo } from './connection/connection.ts'
import { createConnections } from './connection/connections.ts'
import {
  type DisconnectFilter,
  type DisconnectTarget,
  disconnectFilter,
} from './connection/disconnects.ts'
import { type ConnectionLimits, createLimiter, limitsOf } from './connection/limits.ts'
import { leastBufferedBytes } from './connection/response-writer.ts'
import { serveFetch } from './fetch/fetch.ts'
import { createMultiplexedMode, type MultiplexedOptions } from './multiplexed/serve.ts'
import { createMultiplexer } from './multiplexed/streams.ts'
import { isForStream, serveNode } from './node/node.ts'
import { createAddressReader, type TrustProxy } from './request/address.ts'
import { createBodies } from './request/body.ts'
import { type RouterSseConfig, routerConfig } from './router.ts'
import { createSingleMode } from './single.ts'

/** What this library adds to the options of tRPC's adapters; `TContext` is what `createContext` makes. */
export interface ServerLinkOptions<TContext = never> {
  /** The channels that the router's procedures return. Checked to have the router's transformer. */
  readonly channels?: ChannelsBase
  /**
   * How long a stream may be silent before the client is shown that it is alive, in milliseconds.
   *
   * @default `sse.ping.intervalMs` of initTRPC if it is enabled there, none if it is turned off there, else 15_000, or a
   * third of `sse.client.reconnectAfterInactivityMs` if that is less
   */
  readonly heartbeatMs?: number
  /**
   * How long clients are told to wait before they reconnect, in milliseconds; each is told between half and one and
   * a half of it.
   *
   * @default 500
   */
  readonly retryMs?: number
  /** What is served at a time, and what one client may cost. What is over them is refused, and told when to try again. */
  readonly limits?: Partial<ConnectionLimits>
  /**
   * Says whose a connection is: a user id from the context, for `limits.connectionsPerKey`. Only who has the same one may change the stream.
   * Without an answer it is counted for its address, and whoever has sent the same credentials may change it.
   */
  readonly connectionKey?: (ctx: TContext) => string | undefined
  /**
   * Which proxies are believed what they write into `X-Forwarded-For`, the address of the client. Without it, the address is that of
   * the socket; a web-standard request has none.
   *
   * @default false
   */
  readonly trustProxy?: TrustProxy
  /**
   * How many bytes wait in this process for a client that doesn't read; beyond it the client is sent nothing until it
   * has read them, and then goes on from where it stands. At least 65_536: less is less than a socket waits to have.
   *
   * @default 131_072
   */
  readonly maxBufferedBytes?: number
  /**
   * How many bytes of what an observable emitted wait for a client that doesn't read; beyond it the connection is cut, and `onError`
   * is told. Generators and channels pause, and need no such bound.
   *
   * @default 1_048_576
   */
  readonly maxQueuedBytes?: number
  /**
   * Calls `run` in the async context that belongs to a stream's `ctx`: `(ctx, run) => storage.run(ctx.store, run)`. A subscription runs in
   * the context of the request that asked for it. Only where that came to another instance of the server there is nothing to
   * run it in, and it runs in none; with this option, in the one that it restores. If that throws, or `run` is not called, the
   * subscription ends with an error.
   */
  readonly runWithContext?: (ctx: TContext, run: () => void) => unknown
  /** Time and chance. Defaults to the runtime's. */
  readonly clock?: Clock
}

/** What `createContext` is given: by `link.node` Node's request and response, by `link.fetch` the web-standard request. */
export type ServerLinkContextOptions =
  | { readonly req: IncomingMessage; readonly res: ServerResponse; readonly info: TRPCRequestInfo }
  | { readonly req: Request; readonly resHeaders: Headers; readonly info: TRPCRequestInfo }

// Declared as methods, so that functions which know one adapter only can be given.
type CreateContext<TRouter extends AnyTRPCRouter> = {
  create(
    opts: ServerLinkContextOptions,
  ): inferRouterContext<TRouter> | Promise<inferRouterContext<TRouter>>
}['create']

type ErrorHandler<TRouter extends AnyTRPCRouter> = {
  tell(failure: ErrorHandlerOptions<TRouter> & { readonly req: IncomingMessage | Request }): void
}['tell']

type ErrorHandlerOptions<TRouter extends AnyTRPCRouter> = Omit<
  Parameters<NonNullable<HTTPBaseHandlerOptions<TRouter, Request>['onError']>>[0],
  'req'
>

type Middleware = {
  run(req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void
}['run']

/** Options of {@link createServerLink}: those of tRPC's adapters, and {@link ServerLinkOptions}. */
export type CreateServerLinkOptions<TRouter extends AnyTRPCRouter> = ServerLinkOptions<
  inferRouterContext<TRouter>
> &
  Omit<HTTPBaseHandlerOptions<TRouter, Request>, 'onError'> &
  CreateContextCallback<inferRouterContext<TRouter>, CreateContext<TRouter>> & {
    /**
     * What comes before the procedure's path in a URL.
     *
     * @default '/'
     */
    readonly basePath?: string
    /** Connect middleware that runs first, `cors()` for example. Node only. */
    readonly middleware?: Middleware
    /** Told once of each error; `req` is what `link.node` or `link.fetch` was given. */
    readonly onError?: ErrorHandler<TRouter>
    /** The largest body of a query or mutation, in bytes. Node only. */
    readonly maxBodySize?: number
  }

/** What one request may have of its own, instead of the link's. */
export interface RequestOverrides
  extends Partial<
    Omit<
      HTTPBaseHandlerOptions<AnyTRPCRouter, Request>,
      'router' | 'createContext' | 'onError' | 'responseMeta'
    >
  > {
  /** The procedure's path, where something else has cut it off the URL. */
  readonly path?: string
  readonly createContext?: (opts: never) => unknown
  readonly onError?: (failure: never) => void
  readonly responseMeta?: (about: never) => ReturnType<ResponseMetaFn<AnyTRPCRouter>>
  readonly connectionKey?: (ctx: never) => string | undefined
  /** Connect middleware that runs first. Node only. */
  readonly middleware?: Middleware
  /** The largest body of a query or mutation, in bytes. Node only. */
  readonly maxBodySize?: number
}

/** What a link serves, and has served. */
export interface ServerLinkStats {
  /** Streams that are open. */
  readonly connections: number
  /** Subscriptions on them. */
  readonly subscriptions: number
  readonly eventsSent: number
  /** Bytes of streams, before compression and transfer encoding. */
  readonly bytesSent: number
  /** Gaps that were reported to clients. */
  readonly gaps: number
  /** Streams that were refused for a limit, or because the link drains. */
  readonly refused: number
  /** Streams that were cut, as a subscription was too far behind (`whenBehind: 'disconnect'`, `maxQueuedBytes`). */
  readonly cutOff: number
}

/** A request of `node:http` or `node:http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** A response of `node:http` or `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** Serves all traffic of a router: subscriptions as SSE, the rest through tRPC's own handler. */
export interface ServerLink {
  /** Answers a request of `node:http` or `node:http2`. Resolves when the response is over. */
  node(request: NodeRequest, response: NodeResponse, overrides?: RequestOverrides): Promise<void>
  /** Answers a web-standard request. */
  fetch(request: Request, overrides?: RequestOverrides): Promise<Response>
  /**
   * Whether a Node request is for a stream or for a change of one, and not for tRPC's own handler. For adapters of
   * frameworks that send answers in a way of their own: such a one is for {@link node}, the others may go through {@link fetch}.
   */
  isForStream(request: NodeRequest, overrides?: Pick<RequestOverrides, 'path'>): Promise<boolean>
  stats(): ServerLinkStats
  /** Lists the streams that are open in this process: whose they are, what for, since when, and how many bytes wait for the client to read. */
  connections(): ConnectionInfo[]
  /**
   * Ends the streams that fit, in a way that makes their clients reconnect, so that `createContext` decides anew who
   * may. Returns how many. A stream that is being opened meanwhile is asked of again, by the same filter, before it is let in.
   *
   * @throws `INVALID_OPTION` for a target with neither `key` nor `path`.
   */
  disconnect(target: DisconnectTarget | DisconnectFilter, reason?: string): number
  /**
   * Prepares for the end of this process: refuses new streams and ends those that are open one by one, spread evenly over
   * `overMs` milliseconds (default 0). Their clients go on elsewhere, from where they stand.
   */
  drain(options?: { readonly overMs?: number }): Promise<void>
}

/**
 * Creates a server link for a router.
 *
 * @throws `INVALID_OPTION` if the channels have another transformer than the router, so that events would change their
 * type; for a time or a limit that can't be kept; if clients are told to give up before a heartbeat is due.
 */
export function createServerLink<TRouter extends AnyTRPCRouter>(
  options: CreateServerLinkOptions<TRouter>,
): ServerLink {
  const { sse, output } = routerConfig(options.router)
  checkTransformer(options.channels, output)
  const clock = detachedClock(options.clock ?? systemClock)
  const heartbeatMs = heartbeatOf(options, sse)
  checkNumbers(options)
  const limits = limitsOf(options.limits)
  const limiter = createLimiter(limits)
  const connections = createConnections({
    clock,
    heartbeatMs,
    maxDurationMs: sse.maxDurationMs || undefined,
    maxBufferedBytes: Math.max(leastBufferedBytes, options.maxBufferedBytes ?? 131_072),
    channelsPerConnection: limits.channelsPerConnection,
    limiter,
  })
  const retryMs = options.retryMs ?? 500
  // Three heartbeats: one may be lost in a busy moment, and a second late.
  const clientOptions = {
    ...(Number.isFinite(heartbeatMs) && { reconnectAfterInactivityMs: heartbeatMs * 3 }),
    ...sse.client,
  }
  const elapsedMs = elapsedTime(clock)
  const { maxQueuedBytes = 1_048_576 } = options
  const mode = { router: options.router, output, counters: connections.counters, maxQueuedBytes }
  const serve: MultiplexedOptions = {
    router: options.router,
    connections,
    limiter,
    admission: createAdmission({ clock, waiting: limits.waiting }),
    bodies: createBodies({ clock, bytes: limits.bodyBytes, forMs: limits.bodyMs }),
    addressOf: createAddressReader(options.trustProxy),
    changes: {
      perSecond: limits.changesPerSecond,
      burst: 5 * Math.max(limits.subscriptionsPerConnection, limits.changesPerSecond),
      elapsedMs,
    },
    isOff: sse.enabled === false,
    emitsAndEnds: sse.emitAndEndImmediately === true,
    clock,
    multiplexer: createMultiplexer({
      backend: options.channels && internalsOf(options.channels)?.backend,
      clock,
      subscriptionsPerConnection: limits.subscriptionsPerConnection,
    }),
    subscriptionsPerConnection: limits.subscriptionsPerConnection,
    retryMs,
    clientOptions,
    single: createSingleMode(
      { ...mode, frames: createSingleFrames(output) },
      { clock, clientOptions, retryMs },
    ),
    multiplexed: createMultiplexedMode({ ...mode, frames: createKeyedFrames(output) }),
  }
  return {
    // The objects of HTTP/2 are made to be used like those of HTTP/1.1; only their types differ.
    node: (request, response, overrides = {}) =>
      serveNode(serve, options, {
        request: request as IncomingMessage,
        response: response as ServerResponse,
        ...overrides,
      }),
    fetch: (request, overrides = {}) => serveFetch(serve, options, { request, ...overrides }),
    isForStream: (request, overrides = {}) =>
      isForStream(options, { request: request as IncomingMessage, ...overrides }),
    stats: () => ({
      connections: connections.size,
      subscriptions: connections.subscriptions,
      ...connections.counters,
    }),
    connections: () => connections.list(),
    disconnect: (target, reason) => connections.disconnect(disconnectFilter(target), reason),
    drain: ({ overMs = 0 } = {}) => keepAlive(connections.drain(overMs)),
  }
}

function heartbeatOf(
  { heartbeatMs }: ServerLinkOptions,
  { ping, client }: RouterSseConfig,
): number {
  if (heartbeatMs === undefined && isOff(ping)) return Infinity
  // Like tRPC, whose 0 is none.
  const inactivityMs = client?.reconnectAfterInactivityMs || Infinity
  const pingMs = ping?.enabled ? (ping.intervalMs ?? 1_000) : Math.min(15_000, inactivityMs / 3)
  const ms = heartbeatMs ?? pingMs
  if (ms > 0 && ms <= inactivityMs) return ms
  const message = `A heartbeat every ${ms} ms: give more than 0, and no more than sse.client.reconnectAfterInactivityMs (${inactivityMs}), after which clients take the connection for dead.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/** Whether tRPC takes this for no pings. */
function isOff(ping: RouterSseConfig['ping']): boolean {
  if (ping === undefined) return false
  const { enabled, intervalMs = 1_000 } = ping
  return !(enabled && intervalMs > 0 && intervalMs !== Infinity)
}

function checkNumbers(options: ServerLinkOptions): void {
  const { retryMs = 0, maxBufferedBytes = 0, maxQueuedBytes = 0, limits = {} } = options
  for (const [name, value] of Object.entries({
    retryMs,
    maxBufferedBytes,
    maxQueuedBytes,
    ...limits,
  })) {
    if (value === undefined || value >= 0) continue
    throw new RealtimeError(
      'INVALID_OPTION',
      `createServerLink(): ${name} is ${value}. Give a number, 0 or more.`,
    )
  }
  if (limits.changesPerSecond !== 0) return
  const message =
    'createServerLink(): changesPerSecond is 0: no stream could ever change. Give more than 0.'
  throw new RealtimeError('INVALID_OPTION', message)
}

function checkTransformer(
  channels: ChannelsBase | undefined,
  output: TRPCDataTransformer | undefined,
): void {
  const codec = channels && internalsOf(channels)?.codec
  if (codec === undefined || areSame(codec.output, output)) return
  const message =
    'The channels and the router have different transformers. Give createChannels({ transformer }) what initTRPC.create({ transformer }) has.'
  throw new RealtimeError('INVALID_OPTION', message)
}
