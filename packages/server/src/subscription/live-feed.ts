import { type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import type { FeedEvent } from '../hub/log-event.ts'
import type { Grace } from './cursor.ts'
import type { EventFeed, Gap, ReaderState } from './feed.ts'
import { beforeSnapshot } from './live.ts'
import { liveEvent, snapshotEvent } from './live-events.ts'
import { SnapshotLoad, type SnapshotLoadOptions } from './snapshot-load.ts'

/** A live subscription fails after this many loads without an event in between. */
const maxLoads = 4

/** Options of {@link LiveFeed}. */
export interface LiveFeedOptions extends SnapshotLoadOptions {
  /** The position to resume from; `undefined` to start with a snapshot. */
  readonly lastEventId: EventId | undefined
  /** Opens a feed of the events after an id. Without an id, it starts at the end of the log. */
  open(lastEventId: EventId | undefined, grace: Grace): EventFeed
  readonly codec: Codec
}

/**
 * A feed of a snapshot and the events that follow it. If events are missing, a new snapshot
 * replaces them.
 *
 * While a snapshot is loading, the feed stays at its position: events wait in the log, not in
 * memory. A gap during a load cancels the load and starts a new one.
 */
export class LiveFeed implements EventFeed {
  readonly #options: LiveFeedOptions
  // Events that wait for a load don't count against a slow client.
  readonly #grace: Grace = { isOver: true }
  #cursor: EventFeed
  #needsValues: boolean
  #position: string
  #isSnapshotDue: boolean
  #load: SnapshotLoad | undefined
  /** The first item after the loading snapshot. It is read early to detect a gap. */
  #head: FeedEvent | Gap | undefined
  /** The number of loads since the last event. */
  #loads = 0

  constructor(options: LiveFeedOptions) {
    const { lastEventId, codec } = options
    this.#options = options
    this.#cursor = options.open(lastEventId, this.#grace)
    // The transformed event can't be embedded in the transformed item, so values are needed.
    this.#needsValues = codec.output !== undefined
    if (this.#needsValues) this.#cursor.needValues()
    this.#position = lastEventId ?? beforeSnapshot
    this.#isSnapshotDue = lastEventId === undefined
  }

  position(): string {
    return this.#position
  }

  next(): FeedEvent | Gap | undefined {
    if (this.#isSnapshotDue) return this.#nextSnapshot()
    const item = this.#head ?? this.#cursor.next()
    this.#head = undefined
    if (item?.kind === 'gap') {
      // If it has caught up since the last load, that load was in time.
      if (this.#grace.isOver) this.#loads = 0
      this.#isSnapshotDue = true
      return this.#nextSnapshot()
    }
    if (item === undefined) return undefined
    this.#loads = 0
    this.#position = item.id
    return liveEvent(item)
  }

  needValues(): void {
    this.#needsValues = true
    this.#cursor.needValues()
  }

  isTooFarBehind(): boolean {
    return !this.#isSnapshotDue && this.#cursor.isTooFarBehind()
  }

  readers(): readonly ReaderState[] {
    return this.#cursor.readers()
  }

  close(): void {
    this.#cancelLoad()
    this.#cursor.close()
  }

  #nextSnapshot(): FeedEvent | undefined {
    this.#grace.isOver = false
    if (this.#load) this.#head ??= this.#cursor.next()
    if (this.#head?.kind === 'gap') this.#cancelLoad()
    if (!this.#load) this.#startLoad()
    else if (this.#load.outcome) return this.#takeSnapshot(this.#load, this.#load.outcome)
    return undefined
  }

  #startLoad(): void {
    const { load } = this.#options
    const from = this.#cursor.position()
    if (from === undefined) return
    if (this.#loads >= maxLoads) throw cannotCatchUp()
    // Counted when the loader is called: a load that is cancelled before its turn doesn't count.
    const counted: typeof load = (options) => {
      this.#loads += 1
      return load(options)
    }
    this.#load = new SnapshotLoad({ ...this.#options, load: counted }, from)
  }

  #takeSnapshot({ lastEventId }: SnapshotLoad, outcome: () => unknown): FeedEvent {
    const snapshot = snapshotEvent(outcome(), lastEventId, this.#options.codec)
    if (snapshot.id !== lastEventId) this.#reopen(snapshot.id)
    this.#grace.isOver = false
    this.#load = undefined
    this.#isSnapshotDue = false
    this.#position = snapshot.id
    return snapshot
  }

  #reopen(lastEventId: EventId): void {
    this.#head = undefined
    this.#cursor.close()
    this.#cursor = this.#options.open(lastEventId, this.#grace)
    if (this.#needsValues) this.#cursor.needValues()
  }

  #cancelLoad(): void {
    this.#load?.cancel()
    this.#load = undefined
    this.#head = undefined
  }
}

function cannotCatchUp(): RealtimeError {
  const message =
    `${maxLoads} snapshots were loaded, and each time events were missing before one could follow. Either the channel retains ` +
    'fewer events than are published during a load, or loadSnapshot returns a tracked snapshot that is too old. Raise `retain`, or load faster.'
  return new RealtimeError('GAP', message)
}
