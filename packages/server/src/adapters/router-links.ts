import type { AnyTRPCRouter } from '@trpc/server'
import type { ServerLink } from '../index.ts'

/** A link that serves a router, for one app. */
export interface RouterLink {
  readonly link: ServerLink
  /** What requests of the app are known by, where nothing holds its link. */
  readonly app?: { readonly settings: object; readonly listener: object | undefined }
  /** Whether its app is over: no request gets it any more. */
  retired: boolean
}

const links = new WeakMap<AnyTRPCRouter, readonly RouterLink[]>()

/** Adds a link of a router. Links whose apps are over make room for it. */
export function addLink(router: AnyTRPCRouter, added: RouterLink): RouterLink {
  links.set(router, [...linksOf(router).filter(({ retired }) => !retired), added])
  return added
}

/** The links of a router. Where all apps are over, those that were there last. */
export function linksOf(router: AnyTRPCRouter): readonly RouterLink[] {
  return links.get(router) ?? []
}
