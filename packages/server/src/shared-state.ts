import type { TrackedEnvelope } from '@trpc/server'

// Bundlers may include a package several times. Next.js, for example, has one copy for pages and
// one for route handlers, and an app may create its channels in either. This file holds the state
// that all copies in one process must share.

/**
 * Returns the object that all copies of this package share under a name. The first call creates it.
 */
export function acrossCopies<TThing extends object>(name: string, make: () => TThing): TThing {
  const shared = globalThis as { [key: symbol]: unknown }
  const key = Symbol.for(sharedName(name))
  shared[key] ??= make()
  return shared[key] as TThing
}

/**
 * Returns the name of a property that all copies read. Increase the number when the shape of a
 * shared object changes.
 */
export function sharedName<const TName extends string>(name: TName): `@trpc-sse/server/1/${TName}` {
  return `@trpc-sse/server/1/${name}`
}

/** Whether a value was created by `tracked` of any copy of tRPC. Each copy has its own symbol. */
export function isTracked(value: unknown): value is TrackedEnvelope<unknown> {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    typeof value[0] === 'string' &&
    typeof value[2] === 'symbol'
  )
}
