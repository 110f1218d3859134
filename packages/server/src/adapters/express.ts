import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server'
import type {
  NodeHTTPCreateContextFnOptions,
  NodeHTTPHandlerOptions as TrpcOptions,
} from '@trpc/server/adapters/node-http'
import type { Request, Response } from 'express'
import { createServerLink, type ServerLink, type ServerLinkOptions } from '../index.ts'

/** The options of tRPC's Express adapter, and those of the server link. */
export type CreateExpressMiddlewareOptions<TRouter extends AnyTRPCRouter> = TrpcOptions<
  TRouter,
  Request,
  Response
> &
  ServerLinkOptions<inferRouterContext<TRouter>>

/** The argument of `createContext`, with Express's own request and response. */
export type CreateExpressContextOptions = NodeHTTPCreateContextFnOptions<Request, Response>

/** A middleware for `app.use('/trpc', …)`, and its link. */
export interface ExpressMiddleware {
  (request: Request, response: Response): void
  /** The server link, for `stats`, `disconnect` and `drain`. */
  readonly link: ServerLink
}

/**
 * Creates a middleware that serves a router. Replaces tRPC's function of this name. Mount the
 * middleware on a path.
 */
export function createExpressMiddleware<TRouter extends AnyTRPCRouter>(
  options: CreateExpressMiddlewareOptions<TRouter>,
): ExpressMiddleware {
  const link = createServerLink<TRouter>(options)
  const middleware = (request: Request, response: Response): void => {
    // Wherever the middleware is mounted, the procedure's path is the last segment.
    void link.node(request, response, {
      path: request.path.slice(request.path.lastIndexOf('/') + 1),
    })
  }
  return Object.assign(middleware, { link })
}
