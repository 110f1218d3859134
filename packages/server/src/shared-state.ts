import type { TrackedEnvelope } from '@trpc/server'

// Bundlers make copies of a package: Next.js has one for pages and one for route handlers, and the channels of an app may come
// from either. What the copies of one process must have in common is here.

/** Gives the one thing of that name that all copies of this package have. */
export function acrossCopies<TThing extends object>(name: string, make: () => TThing): TThing {
  const shared = globalThis as { [key: symbol]: unknown }
  // With a number, for the day on which it changes its shape.
  const key = Symbol.for(`@trpc-sse/server/1/${name}`)
  shared[key] ??= make()
  return shared[key] as TThing
}

/** Whether a value is what `tracked` makes, of whichever copy of tRPC: each has a symbol of its own. */
export function isTracked(value: unknown): value is TrackedEnvelope<unknown> {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    typeof value[0] === 'string' &&
    typeof value[2] === 'symbol'
  )
}
