import type { AnyTRPCRouter } from '@trpc/server'
import { type CreateServerLinkOptions, createServerLink, type ServerLink } from '../index.ts'

const links = new WeakMap<AnyTRPCRouter, ServerLink>()

/**
 * The link of a router, for adapters that tRPC calls anew with each request: it is made from the first request's
 * options. What belongs to a request (context, path, error handler) is passed with each.
 */
export function linkFor<TRouter extends AnyTRPCRouter>(
  options: CreateServerLinkOptions<TRouter>,
): ServerLink {
  const link = links.get(options.router) ?? createServerLink(options)
  links.set(options.router, link)
  return link
}

/** The link that serves a router, once a request was served; for `stats`, `disconnect` and `drain`. */
export function linkOf(router: AnyTRPCRouter): ServerLink | undefined {
  return links.get(router)
}
