import type { AnyTRPCRouter } from '@trpc/server'
import type { ServerLink } from '../index.ts'

/** A link that serves a router, for one app. */
export interface RouterLink {
  readonly link: ServerLink
  /** Identifies requests of the app. Not set if the app has a reference to its link. */
  readonly app?: { readonly settings: object; readonly listener: object | undefined }
  /** Whether the app has ended. Its link is no longer used for requests. */
  retired: boolean
}

const links = new WeakMap<AnyTRPCRouter, readonly RouterLink[]>()

/** Adds a link of a router. Drops links of apps that have ended. */
export function addLink(router: AnyTRPCRouter, added: RouterLink): RouterLink {
  links.set(router, [...linksOf(router).filter(({ retired }) => !retired), added])
  return added
}

/** Returns the links of a router. Links of ended apps stay until a new one is added. */
export function linksOf(router: AnyTRPCRouter): readonly RouterLink[] {
  return links.get(router) ?? []
}
