import type { EventId } from '@trpc-sse/protocol'

/** A reader whose position is unknown until its hub is open. */
export interface OpeningReader {
  /**
   * Called when the hub has opened. `end` is the log's last id. `sequence` is the number that the
   * window gives to the next event; `undefined` if the window ends before `end`.
   */
  onOpened(end: EventId, sequence: number | undefined): void
}
