import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { AnyTRPCRouter, CreateContextCallback, inferRouterContext } from '@trpc/server'
import type { HTTPBaseHandlerOptions, ResponseMetaFn, TRPCRequestInfo } from '@trpc/server/http'
import type { Clock } from '@trpc-sse/protocol'
import type { ChannelsBase } from '../channels.ts'
import type { ConnectionLimits } from './connection/limits.ts'
import type { Inspector } from './inspection.ts'
import type { TrustProxy } from './request/address.ts'

/**
 * The options that a server link adds to those of tRPC's adapters. `TContext` is the result of
 * `createContext`.
 */
export interface ServerLinkOptions<TContext = never> {
  /**
   * The channels that the router's procedures return. They must have the router's transformer.
   * Their backend forwards control requests to the instance that has the stream.
   *
   * @default none: procedures may still return channels, but each instance knows only its own
   *   streams
   */
  readonly channels?: ChannelsBase
  /**
   * The silence after which the server sends a ping on a stream, in milliseconds. More than 0, and
   * at most `sse.client.reconnectAfterInactivityMs` of initTRPC.
   *
   * @default `sse.ping.intervalMs` of initTRPC if pings are enabled there, and no heartbeat if they
   *   are disabled there. Without these settings, 15_000, or a third of
   *   `sse.client.reconnectAfterInactivityMs` if that is less.
   */
  readonly heartbeatMs?: number
  /**
   * The time that clients wait before they reconnect, in milliseconds, 0 or more. Each client gets
   * a random time between 0.5 and 1.5 times this value, so that not all return at the same time.
   *
   * @default 500
   */
  readonly retryMs?: number
  /**
   * Limits for the whole link and for each client. Requests beyond a limit are refused, and their
   * clients retry later. {@link ConnectionLimits} has the defaults.
   */
  readonly limits?: Partial<ConnectionLimits>
  /**
   * Returns the owner of a connection, such as a user id from the context. At most
   * `limits.connectionsPerKey` connections may have the same key, and only requests with a stream's
   * key may change the stream. Any result except a string or `undefined` is an error.
   *
   * @default none: connections are counted by address. A request may change a stream if it has the
   *   same credentials (`authorization`, `cookie`, `connectionParams`) as the request that opened
   *   it
   */
  readonly connectionKey?: (ctx: TContext) => string | undefined
  /**
   * Returns the time at which the access of a stream ends, such as the expiry of a token: a date, or
   * milliseconds since 1970. The `exp` of a JWT is in seconds, which is an error. Five seconds
   * earlier, the client is asked to reconnect, and the stream goes on until the new one is open. A
   * request whose access ends within five seconds gets UNAUTHORIZED, so that its client gets a new
   * token.
   *
   * @default none: streams don't expire
   */
  readonly expiresAt?: (ctx: TContext) => Date | number | undefined
  /**
   * The proxies whose `X-Forwarded-For` is trusted for the client's address. Without any, the
   * address is the socket's, and a web-standard request has no address.
   *
   * @default false
   */
  readonly trustProxy?: TrustProxy
  /**
   * The maximum number of bytes that may wait in this process for a slow client. Beyond it, nothing
   * more is sent until the client has read them; then it continues from its position. The minimum
   * is 65_536, as sockets buffer that much themselves.
   *
   * @default 131_072
   */
  readonly maxBufferedBytes?: number
  /**
   * The maximum number of bytes from an observable that may wait for a slow client. Beyond it, the
   * connection is closed and `onError` is called. Generators and channels pause instead.
   *
   * @default 1_048_576
   */
  readonly maxQueuedBytes?: number
  /**
   * Calls `run` in the async context that belongs to a stream's `ctx`: `(ctx, run) =>
   * storage.run(ctx.store, run)`. It must call `run` once; otherwise the subscription ends with an
   * error.
   *
   * A subscription normally runs in the async context of the request that asked for it. This option
   * is needed only when a different instance received that request, because this instance then has
   * no such context.
   *
   * @default none: those subscriptions run outside any async context
   */
  readonly runWithContext?: (ctx: TContext, run: () => void) => unknown
  /**
   * Serves a page at `~inspector` below the endpoint, which shows why an event did not arrive:
   * `inspector({ allow })` of `@trpc-sse/server/inspector`. Create it once, outside of the handler.
   *
   * @default none
   */
  readonly inspector?: Inspector<TContext>
  /**
   * Provides time, timers and randomness.
   *
   * @default systemClock
   */
  readonly clock?: Clock
}

/**
 * The argument of `createContext`: Node's request and response from `link.node`, or the
 * web-standard request from `link.fetch`.
 */
export type ServerLinkContextOptions =
  | { readonly req: IncomingMessage; readonly res: ServerResponse; readonly info: TRPCRequestInfo }
  | { readonly req: Request; readonly resHeaders: Headers; readonly info: TRPCRequestInfo }

// TypeScript checks method signatures less strictly, so an app may pass functions for one adapter.
type CreateContext<TRouter extends AnyTRPCRouter> = {
  create(
    opts: ServerLinkContextOptions,
  ): inferRouterContext<TRouter> | Promise<inferRouterContext<TRouter>>
}['create']

type ErrorHandler<TRouter extends AnyTRPCRouter> = {
  handle(failure: ErrorHandlerOptions<TRouter> & { readonly req: IncomingMessage | Request }): void
}['handle']

type ErrorHandlerOptions<TRouter extends AnyTRPCRouter> = Omit<
  Parameters<NonNullable<HTTPBaseHandlerOptions<TRouter, Request>['onError']>>[0],
  'req'
>

/** Connect middleware. */
export type Middleware = {
  run(req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void
}['run']

/** Options of `createServerLink`: those of tRPC's adapters, and {@link ServerLinkOptions}. */
export type CreateServerLinkOptions<TRouter extends AnyTRPCRouter> = ServerLinkOptions<
  inferRouterContext<TRouter>
> &
  Omit<HTTPBaseHandlerOptions<TRouter, Request>, 'onError'> &
  CreateContextCallback<inferRouterContext<TRouter>, CreateContext<TRouter>> & {
    /**
     * The part of a URL's path before the procedure's path.
     *
     * @default '/'
     */
    readonly basePath?: string
    /** Connect middleware that runs first, such as `cors()`. `link.node` only. */
    readonly middleware?: Middleware
    /**
     * Called once for each error. `req` is the request that was passed to `link.node` or
     * `link.fetch`.
     */
    readonly onError?: ErrorHandler<TRouter>
    /**
     * The largest body of a query or mutation, in bytes. `link.node` only.
     *
     * @default no limit
     */
    readonly maxBodySize?: number
  }

/** Options for one request, which replace those of the link. */
export interface RequestOverrides
  extends Partial<
    Omit<
      HTTPBaseHandlerOptions<AnyTRPCRouter, Request>,
      'router' | 'createContext' | 'onError' | 'responseMeta'
    >
  > {
  /** The procedure's path, if a framework has removed it from the URL. */
  readonly path?: string
  readonly createContext?: (opts: never) => unknown
  readonly onError?: (failure: never) => void
  readonly responseMeta?: (about: never) => ReturnType<ResponseMetaFn<AnyTRPCRouter>>
  readonly connectionKey?: (ctx: never) => string | undefined
  readonly expiresAt?: (ctx: never) => Date | number | undefined
  /** Connect middleware that runs first. `link.node` only. */
  readonly middleware?: Middleware
  /** The largest body of a query or mutation, in bytes. `link.node` only. */
  readonly maxBodySize?: number
}

/** A request of `node:http` or `node:http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** A response of `node:http` or `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse
