import type { AnyTRPCRouter } from '@trpc/server'
import type { ServerLink } from '../index.ts'

/** A link that serves a router, for one app. */
export interface RouterLink {
  readonly link: ServerLink
  /** How to recognize requests of the app, where nothing holds its link. */
  readonly app?: { readonly settings: object; readonly listener: object | undefined }
  /** Whether its app is over, so that no request gets it any more. */
  retired: boolean
}

const links = new WeakMap<AnyTRPCRouter, readonly RouterLink[]>()

/** Adds a link of a router. Drops links whose apps are over. */
export function addLink(router: AnyTRPCRouter, added: RouterLink): RouterLink {
  links.set(router, [...linksOf(router).filter(({ retired }) => !retired), added])
  return added
}

/** Returns the links of a router. Where all apps are over, the last ones stay. */
export function linksOf(router: AnyTRPCRouter): readonly RouterLink[] {
  return links.get(router) ?? []
}
