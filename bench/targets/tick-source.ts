import type { Tick } from '../payload.ts'

/** An event with its id. */
export interface StoredTick {
  readonly id: string
  readonly data: Tick
}

/** Where an app's own generators get their events from. */
export interface TickSource {
  publish(event: Tick, channel: number): unknown
  /** What was published after an id, or from now on. */
  read(
    channel: number,
    from: { signal?: AbortSignal; lastEventId?: string },
  ): AsyncIterable<StoredTick>
  /** How many are reading. */
  reading(): number
}
