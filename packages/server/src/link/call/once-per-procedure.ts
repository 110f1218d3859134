import type { AnyTRPCRouter } from '@trpc/server'

/** Creates a check that is true the first time for each procedure of a router. */
export function oncePerProcedure(): (router: AnyTRPCRouter, path: string) => boolean {
  const seen = new WeakMap<AnyTRPCRouter, Set<string>>()
  return (router, path) => {
    const paths = seen.get(router) ?? new Set()
    seen.set(router, paths)
    if (paths.has(path)) return false
    paths.add(path)
    return true
  }
}
