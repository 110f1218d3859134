import http from 'node:http'
import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server'
import type {
  CreateHTTPHandlerOptions as TrpcOptions,
  CreateHTTP2HandlerOptions as TrpcOptions2,
} from '@trpc/server/adapters/standalone'
import {
  createServerLink,
  type NodeRequest,
  type NodeResponse,
  type ServerLink,
  type ServerLinkOptions,
} from '../index.ts'

/** The options of tRPC's standalone adapter, and those of the server link. */
export type CreateHTTPHandlerOptions<TRouter extends AnyTRPCRouter> = TrpcOptions<TRouter> &
  ServerLinkOptions<inferRouterContext<TRouter>>

/** The same options for `node:http2`. */
export type CreateHTTP2HandlerOptions<TRouter extends AnyTRPCRouter> = TrpcOptions2<TRouter> &
  ServerLinkOptions<inferRouterContext<TRouter>>

export type {
  CreateHTTP2ContextOptions,
  CreateHTTPContextOptions,
} from '@trpc/server/adapters/standalone'

/** A handler for `http.createServer` or `http2.createSecureServer`, and its link. */
export interface HTTPHandler {
  (request: NodeRequest, response: NodeResponse): void
  /** The server link, for `stats`, `disconnect` and `drain`. */
  readonly link: ServerLink
}

/** A server, and its link. */
export type HTTPServer = http.Server & Pick<HTTPHandler, 'link'>

/**
 * Creates a handler that serves a router: `http.createServer(createHTTPHandler({ router, channels
 * }))`.
 */
export function createHTTPHandler<TRouter extends AnyTRPCRouter>(
  options: CreateHTTPHandlerOptions<TRouter>,
): HTTPHandler {
  const link = createServerLink<TRouter>(options)
  return Object.assign((req: NodeRequest, res: NodeResponse) => void link.node(req, res), { link })
}

/**
 * Creates a handler that serves a router over HTTP/2:
 * `http2.createSecureServer(tls, createHTTP2Handler({ router, channels }))`.
 */
export function createHTTP2Handler<TRouter extends AnyTRPCRouter>(
  options: CreateHTTP2HandlerOptions<TRouter>,
): HTTPHandler {
  return createHTTPHandler(options as unknown as CreateHTTPHandlerOptions<TRouter>)
}

/** Creates a server that serves a router. Replaces tRPC's function of this name. */
export function createHTTPServer<TRouter extends AnyTRPCRouter>(
  options: CreateHTTPHandlerOptions<TRouter>,
): HTTPServer {
  const handler = createHTTPHandler(options)
  return Object.assign(http.createServer(handler), { link: handler.link })
}
