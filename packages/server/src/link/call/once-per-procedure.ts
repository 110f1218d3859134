import type { AnyTRPCRouter } from '@trpc/server'

/** Creates a function that returns true only at its first call for each procedure of a router. */
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
