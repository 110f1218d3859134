import http from 'node:http'
import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server'
import type { CreateHTTPHandlerOptions as TrpcOptions } from '@trpc/server/adapters/standalone'
import { createServerLink, type ServerLink, type ServerLinkOptions } from '../index.ts'

/** The options of tRPC's standalone adapter, and those of the server link. */
export type CreateHTTPHandlerOptions<TRouter extends AnyTRPCRouter> = TrpcOptions<TRouter> &
  ServerLinkOptions<inferRouterContext<TRouter>>

export type { CreateHTTPContextOptions } from '@trpc/server/adapters/standalone'

/** A handler for `http.createServer`, with the link behind it. */
export interface HTTPHandler {
  (request: http.IncomingMessage, response: http.ServerResponse): void
  /** For `stats`, `disconnect` and `drain`. */
  readonly link: ServerLink
}

/** A server, with the link behind it. */
export type HTTPServer = http.Server & {
  /** For `stats`, `disconnect` and `drain`. */
  readonly link: ServerLink
}

/** Creates a handler that serves a router: `http.createServer(createHTTPHandler({ router, createContext, channels }))`. */
export function createHTTPHandler<TRouter extends AnyTRPCRouter>(
  options: CreateHTTPHandlerOptions<TRouter>,
): HTTPHandler {
  const link = createServerLink<TRouter>(options)
  const handler = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    void link.node(request, response)
  }
  return Object.assign(handler, { link })
}

/** Creates a server that serves a router, in place of tRPC's function of this name. */
export function createHTTPServer<TRouter extends AnyTRPCRouter>(
  options: CreateHTTPHandlerOptions<TRouter>,
): HTTPServer {
  const handler = createHTTPHandler(options)
  return Object.assign(http.createServer(handler), { link: handler.link })
}
