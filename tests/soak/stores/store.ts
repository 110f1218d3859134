import type { Redis } from 'ioredis'
import type { StoreAddress } from '../app.ts'

/**
 * Causes a fault. Resolves when the store is well again. A rejection means that the soak itself is
 * broken: the run fails.
 */
export type Fault = (chance: () => number) => Promise<void>

/** A store for the soak, and what can happen to it. */
export interface SoakStore extends AsyncDisposable {
  readonly address: StoreAddress
  /** Whether it may lose events that it had confirmed. */
  readonly mayForget: boolean
  /** What can happen to it. */
  readonly faults: Readonly<Record<string, Fault>>
}

/** Arguments of a Redis that keeps all that it has confirmed. */
export const durable = ['--appendonly', 'yes', '--appendfsync', 'always'] as const

/** Returns a time from 0.2 to 4.2 seconds, in milliseconds. */
export const shortMs = (chance: () => number): number => 200 + chance() * 4_000

/** Ends the connections that wait for notifications. */
export async function killSubscribers(admin: Redis): Promise<void> {
  await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
}

/** Makes faults wait for each other: a server that is down can be neither emptied nor frozen. */
export function oneAtATime(faults: Readonly<Record<string, Fault>>): Record<string, Fault> {
  let last: Promise<unknown> = Promise.resolve()
  const alone =
    (fault: Fault): Fault =>
    (chance) => {
      const next = last.then(() => fault(chance))
      last = next.catch(() => {})
      return next
    }
  return Object.fromEntries(Object.entries(faults).map(([what, fault]) => [what, alone(fault)]))
}
