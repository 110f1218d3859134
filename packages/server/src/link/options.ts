import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { AnyTRPCRouter, CreateContextCallback, inferRouterContext } from '@trpc/server'
import type { HTTPBaseHandlerOptions, ResponseMetaFn, TRPCRequestInfo } from '@trpc/server/http'
import type { Clock } from '@trpc-sse/protocol'
import type { ChannelsBase } from '../channels.ts'
import type { ConnectionLimits } from './connection/limits.ts'
import type { TrustProxy } from './request/address.ts'

/**
 * What a server link adds to the options of tRPC's adapters; `createContext` makes a `TContext`.
 */
export interface ServerLinkOptions<TContext = never> {
  /**
   * The channels that the router's procedures return. They must have the router's transformer, and
   * their backend carries control requests to the instance that holds a stream.
   *
   * @default none: procedures may still return channels, and each instance knows its own streams
   * only
   */
  readonly channels?: ChannelsBase
  /**
   * How long a stream may be silent before the server sends a ping, in milliseconds. More than 0,
   * and at most `sse.client.reconnectAfterInactivityMs` of initTRPC.
   *
   * @default `sse.ping.intervalMs` of initTRPC where pings are enabled there, and no heartbeat
   * where they are disabled there. Else 15_000, or a third of
   * `sse.client.reconnectAfterInactivityMs` if that is less.
   */
  readonly heartbeatMs?: number
  /**
   * How long clients wait before they reconnect, in milliseconds, 0 or more. Each client is given
   * a random time between half of it and one and a half times it, so that not all return at once.
   *
   * @default 500
   */
  readonly retryMs?: number
  /**
   * How much the link serves at a time, and how much one client may use. What exceeds a limit is
   * refused, and the client is told when to retry. {@link ConnectionLimits} has the defaults.
   */
  readonly limits?: Partial<ConnectionLimits>
  /**
   * Returns the owner of a connection: a user id from the context, for example. At most
   * `limits.connectionsPerKey` connections may have the same key, and only requests with the
   * stream's key may change the stream. A key that is neither a string nor `undefined` is an error.
   *
   * @default none: connections are counted by address, and requests with the credentials of the
   * request that opened a stream (`authorization`, `cookie`, `connectionParams`) may change it
   */
  readonly connectionKey?: (ctx: TContext) => string | undefined
  /**
   * Which proxies may tell the client's address, in `X-Forwarded-For`. Without any, the address is
   * that of the socket, and a web-standard request has none.
   *
   * @default false
   */
  readonly trustProxy?: TrustProxy
  /**
   * How many bytes may wait in this process for a client that doesn't read. Beyond it, the client
   * is sent nothing until it has read them, and then continues from its position. Values below
   * 65_536 count as 65_536, as sockets buffer that much themselves.
   *
   * @default 131_072
   */
  readonly maxBufferedBytes?: number
  /**
   * How many bytes of what an observable emitted may wait for a client that doesn't read. Beyond
   * it, the connection is cut and `onError` is called. Generators and channels pause instead.
   *
   * @default 1_048_576
   */
  readonly maxQueuedBytes?: number
  /**
   * Calls `run` in the async context that belongs to a stream's `ctx`: `(ctx, run) =>
   * storage.run(ctx.store, run)`. It must call `run` once, else the subscription ends with an
   * error.
   *
   * A subscription runs in the async context of the request that asked for it. It is needed only
   * where another instance received that request, so that there is no context here to run in.
   *
   * @default none: such subscriptions run in no async context
   */
  readonly runWithContext?: (ctx: TContext, run: () => void) => unknown
  /**
   * Time and chance.
   *
   * @default the runtime's
   */
  readonly clock?: Clock
}

/**
 * What `createContext` gets: Node's request and response from `link.node`, or the web-standard
 * request from `link.fetch`.
 */
export type ServerLinkContextOptions =
  | { readonly req: IncomingMessage; readonly res: ServerResponse; readonly info: TRPCRequestInfo }
  | { readonly req: Request; readonly resHeaders: Headers; readonly info: TRPCRequestInfo }

// Method signatures are checked less strictly, so that an app may give functions for one adapter.
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
    /** Connect middleware that runs first, `cors()` for example. `link.node` only. */
    readonly middleware?: Middleware
    /**
     * Called once for each error; `req` is the request that `link.node` or `link.fetch` was given.
     */
    readonly onError?: ErrorHandler<TRouter>
    /**
     * The largest body of a query or mutation, in bytes. `link.node` only.
     *
     * @default no limit
     */
    readonly maxBodySize?: number
  }

/** Options that one request may have instead of the link's. */
export interface RequestOverrides
  extends Partial<
    Omit<
      HTTPBaseHandlerOptions<AnyTRPCRouter, Request>,
      'router' | 'createContext' | 'onError' | 'responseMeta'
    >
  > {
  /** The procedure's path, where a framework has cut it off the URL. */
  readonly path?: string
  readonly createContext?: (opts: never) => unknown
  readonly onError?: (failure: never) => void
  readonly responseMeta?: (about: never) => ReturnType<ResponseMetaFn<AnyTRPCRouter>>
  readonly connectionKey?: (ctx: never) => string | undefined
  /** Connect middleware that runs first. `link.node` only. */
  readonly middleware?: Middleware
  /** The largest body of a query or mutation, in bytes. `link.node` only. */
  readonly maxBodySize?: number
}

/** A request of `node:http` or `node:http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** A response of `node:http` or `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse
