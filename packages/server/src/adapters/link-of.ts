import type { AnyTRPCRouter } from '@trpc/server'
import type { DisconnectFilter, DisconnectTarget, ServerLink, ServerLinkStats } from '../index.ts'
import { linksOf } from './router-links.ts'

const handles = new WeakMap<AnyTRPCRouter, ServerLink>()

/**
 * Returns the link of a router, for `stats`, `disconnect` and `drain`. Returns `undefined` until
 * the router is served.
 *
 * If several apps serve the router (a public and an internal listener, for example), the link
 * represents all of them: `stats` counts all, `disconnect` and `drain` reach all. Only `node`,
 * `fetch` and `isForStream` use the newest app.
 */
export function linkOf(router: AnyTRPCRouter): ServerLink | undefined {
  const newest = linksOf(router).at(-1)?.link
  if (newest === undefined) return undefined
  const handle =
    handles.get(router) ?? createHandle(newest, () => linksOf(router).map(({ link }) => link))
  handles.set(router, handle)
  return handle
}

function createHandle(newest: ServerLink, all: () => readonly ServerLink[]): ServerLink {
  const latest = (): ServerLink => all().at(-1) ?? newest
  return {
    node: (...call) => latest().node(...call),
    fetch: (...call) => latest().fetch(...call),
    isForStream: (...call) => latest().isForStream(...call),
    stats: () =>
      all()
        .map((link) => link.stats())
        .reduce(sum),
    connections: () => all().flatMap((link) => link.connections()),
    disconnect: createDisconnect(all),
    async drain(how) {
      await Promise.all(all().map((link) => link.drain(how)))
    },
  }
}

function createDisconnect(all: () => readonly ServerLink[]): ServerLink['disconnect'] {
  const total = (counts: readonly number[]): number => counts.reduce((sum, one) => sum + one, 0)
  function disconnect(target: DisconnectTarget, reason?: string): Promise<number>
  function disconnect(filter: DisconnectFilter, reason?: string): number
  function disconnect(to: DisconnectTarget | DisconnectFilter, reason?: string) {
    if (typeof to === 'function') return total(all().map((link) => link.disconnect(to, reason)))
    // Links of the same channels give one order.
    const ended = Promise.all(all().map((link) => link.disconnect(to, reason))).then(total)
    ended.catch(() => {})
    return ended
  }
  return disconnect
}

function sum(some: ServerLinkStats, others: ServerLinkStats): ServerLinkStats {
  const names = Object.keys(some) as readonly (keyof ServerLinkStats)[]
  return Object.fromEntries(names.map((name) => [name, some[name] + others[name]])) as Record<
    keyof ServerLinkStats,
    number
  >
}
