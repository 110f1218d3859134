import type { Tick } from '../payload.ts'

/** Publishes to Redis, on one connection. */
export interface Publisher {
  /** Events in each call. */
  readonly size: number
  /** Resolves once they are kept. */
  publish(events: readonly Tick[]): Promise<unknown>
}
