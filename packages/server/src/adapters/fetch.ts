import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server'
import type {
  FetchHandlerOptions as TrpcHandlerOptions,
  FetchHandlerRequestOptions as TrpcOptions,
} from '@trpc/server/adapters/fetch'
import type { RequestOverrides, ServerLinkOptions } from '../index.ts'
import { linkFor } from './link-for.ts'

/** The options of tRPC's fetch adapter, and those of the server link. */
export type FetchHandlerRequestOptions<TRouter extends AnyTRPCRouter> = TrpcOptions<TRouter> &
  ServerLinkOptions<inferRouterContext<TRouter>>

/** The same options, for which tRPC has two names. */
export type FetchHandlerOptions<TRouter extends AnyTRPCRouter> = TrpcHandlerOptions<TRouter> &
  ServerLinkOptions<inferRouterContext<TRouter>>

export type {
  FetchCreateContextFn,
  FetchCreateContextFnOptions,
  FetchCreateContextOption,
} from '@trpc/server/adapters/fetch'
export { linkOf } from './link-of.ts'

/**
 * Answers one web-standard request in Next.js route handlers, Hono, Bun, Deno and Workers. Replaces
 * tRPC's function of this name.
 */
export async function fetchRequestHandler<TRouter extends AnyTRPCRouter>(
  options: FetchHandlerRequestOptions<TRouter>,
): Promise<Response> {
  const { req, endpoint, router, ...own } = options
  const path = trimSlashes(
    trimSlashes(new URL(req.url).pathname).slice(trimSlashes(endpoint).length),
  )
  return await linkFor(options).fetch(req, { ...(own as RequestOverrides), path })
}

function trimSlashes(path: string): string {
  return path.replace(/^\/|\/$/g, '')
}
