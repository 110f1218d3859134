import type { TrackedEnvelope } from '@trpc/server'

// Bundlers make copies of a package: Next.js has one for pages and one for route handlers, and an
// app may create its channels in either. This file holds the state that the copies in one process
// must share.

/**
 * Returns the process's one thing of this name, made by the first copy of this package that asks.
 */
export function acrossCopies<TThing extends object>(name: string, make: () => TThing): TThing {
  const shared = globalThis as { [key: symbol]: unknown }
  // The number changes when the shape of a shared thing does.
  const key = Symbol.for(`@trpc-sse/server/1/${name}`)
  shared[key] ??= make()
  return shared[key] as TThing
}

/** Whether a value was made by `tracked` of any copy of tRPC. Each copy has its own symbol. */
export function isTracked(value: unknown): value is TrackedEnvelope<unknown> {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    typeof value[0] === 'string' &&
    typeof value[2] === 'symbol'
  )
}
