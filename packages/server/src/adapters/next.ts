import { type AnyTRPCRouter, type inferRouterContext, TRPCError } from '@trpc/server'
import type { NextApiHandler, NextApiRequest, NextApiResponse } from '@trpc/server/adapters/next'
import {
  internal_exceptionHandler,
  type NodeHTTPHandlerOptions as TrpcOptions,
} from '@trpc/server/adapters/node-http'
import { createServerLink, type ServerLink, type ServerLinkOptions } from '../index.ts'

/** The options of tRPC's adapter for the Pages API of Next.js, and those of the server link. */
export type CreateNextApiHandlerOptions<TRouter extends AnyTRPCRouter> = TrpcOptions<
  TRouter,
  NextApiRequest,
  NextApiResponse
> &
  ServerLinkOptions<inferRouterContext<TRouter>>

export type {
  CreateNextContextOptions,
  NextApiHandler,
  NextApiRequest,
  NextApiResponse,
} from '@trpc/server/adapters/next'

/** An API route, and its link. */
export type NextHandler = NextApiHandler & {
  /** The server link, for `stats`, `disconnect` and `drain`. */
  readonly link: ServerLink
}

/**
 * Creates an API route that serves a router: `pages/api/trpc/[trpc].ts`. Replaces tRPC's function
 * of this name.
 */
export function createNextApiHandler<TRouter extends AnyTRPCRouter>(
  options: CreateNextApiHandlerOptions<TRouter>,
): NextHandler {
  const link = createServerLink<TRouter>(options)
  async function handle(req: NextApiRequest, res: NextApiResponse): Promise<void> {
    const { trpc } = req.query
    const path = Array.isArray(trpc) ? trpc.join('/') : trpc
    if (path !== undefined) await link.node(req, res, { path })
    else internal_exceptionHandler({ ...options, req, res, path: '' })(misnamed())
  }
  return Object.assign(handle, { link })
}

function misnamed(): TRPCError {
  const message = 'Query "trpc" not found - is the file named `[trpc]`.ts or `[...trpc].ts`?'
  return new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message })
}
