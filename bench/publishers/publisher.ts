import type { Tick } from '../payload.ts'

/** Publishes to Redis, on one connection. */
export interface Publisher {
  /** Events in each call. */
  readonly size: number
  /** Resolves once the events are stored. */
  publish(events: readonly Tick[]): Promise<unknown>
}
