import type { Tick } from '../payload.ts'

/** An event with its id. */
export interface StoredTick {
  readonly id: string
  readonly data: Tick
}

/** The event source of an app's own generators. */
export interface TickSource {
  publish(event: Tick, channel: number): unknown
  /** The events after an id, or from now on. */
  read(
    channel: number,
    from: { signal?: AbortSignal; lastEventId?: string },
  ): AsyncIterable<StoredTick>
  /** The number of readers. */
  reading(): number
}
