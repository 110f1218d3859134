import type { AnyTRPCRouter } from '@trpc/server'

/** The paths of procedures, by their router, that were warned about. */
const warned = new WeakMap<AnyTRPCRouter, Set<string>>()

/**
 * Warns, once for each procedure, that it loses events because it doesn't pass on where the client
 * resumes.
 */
export function warnOfLoss(router: AnyTRPCRouter, path: string): void {
  const paths = warned.get(router) ?? new Set()
  warned.set(router, paths)
  if (paths.has(path)) return
  paths.add(path)
  console.warn(
    `trpc-sse: The procedure "${path}" reads a channel by subscribe() without the call's opts, so events are lost whenever a client reconnects. Pass them on, subscribe(opts), or return the subscription itself.`,
  )
}
