import { RealtimeError } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import { eventValue, type FeedEvent } from '../hub/log-event.ts'
import { mustBeValue } from '../user-code/calls.ts'
import type { Gap, LogFeed, ReaderState } from './feed.ts'

/** Merges two events, the earlier one first, into one that stands for both. */
export type EventFold = (earlier: unknown, later: unknown) => unknown

/** How a channel folds the events of a subscription that is behind. */
export interface FoldOptions {
  readonly fold: EventFold
  /** The maximum size of the events in one folded event, in bytes or characters. */
  readonly maxBytes: number
}

/** The maximum number of events in one folded event. */
const maxFolded = 1_000

/** Events that are being folded into one. */
interface Folded {
  value: unknown
  id: string
  count: number
  bytes: number
}

/**
 * Folds the events of a feed that is behind: many become one, with the id of the last of them. A
 * feed that isn't behind stays as it is.
 */
export class FoldFeed implements LogFeed {
  readonly #feed: LogFeed
  readonly #codec: Codec
  readonly #options: FoldOptions
  #folded: Folded | undefined
  /** A gap that follows the folded events. */
  #gap: Gap | undefined
  /** The position before the events that are being folded, or the gap. */
  #position: string | undefined

  constructor(feed: LogFeed, codec: Codec, options: FoldOptions) {
    this.#feed = feed
    this.#codec = codec
    this.#options = options
  }

  next(): FeedEvent | Gap | undefined {
    for (;;) {
      if (!this.#isHolding) this.#position = this.#feed.position()
      const item = this.#gap ?? this.#feed.next()
      this.#gap = undefined
      if (item?.kind === 'event') {
        if (!this.#folded && !this.#feed.isBehind()) return item
        this.#add(item)
        if (this.#isFull()) return this.#takeFolded()
      } else if (this.#folded) {
        // The next page is on its way.
        if (!item && this.#feed.isBehind()) return undefined
        this.#gap = item
        return this.#takeFolded()
      } else return item
    }
  }

  position(): string | undefined {
    return this.#isHolding ? this.#position : this.#feed.position()
  }

  needValues(): void {
    this.#feed.needValues()
  }

  isBehind(): boolean {
    return this.#folded !== undefined || this.#feed.isBehind()
  }

  hasCaughtUp(): boolean {
    return !this.#isHolding && this.#feed.hasCaughtUp()
  }

  isTooFarBehind(): boolean {
    return this.#feed.isTooFarBehind()
  }

  readers(): readonly ReaderState[] {
    return this.#feed.readers()
  }

  close(): void {
    this.#feed.close()
  }

  /** Whether it has taken more from the feed than it has returned. */
  get #isHolding(): boolean {
    return this.#folded !== undefined || this.#gap !== undefined
  }

  #add(event: FeedEvent): void {
    const before = this.#folded
    const value = before ? this.#merge(before.value, eventValue(event)) : eventValue(event)
    const count = (before?.count ?? 0) + 1
    const bytes = (before?.bytes ?? 0) + (event.data?.length ?? 0)
    this.#folded = { value, count, bytes, id: event.id }
  }

  #merge(earlier: unknown, later: unknown): unknown {
    const value = mustBeValue(this.#options.fold(earlier, later), 'fold()')
    if (value !== undefined) return value
    const message = 'fold() returned undefined. Return one event for two: (earlier, later) => …'
    throw new RealtimeError('INVALID_OPTION', message)
  }

  #isFull(): boolean {
    const { count = 0, bytes = 0 } = this.#folded ?? {}
    return count >= maxFolded || bytes >= this.#options.maxBytes
  }

  #takeFolded(): FeedEvent | undefined {
    const folded = this.#folded
    if (!folded) return undefined
    this.#folded = undefined
    const { id, value } = folded
    this.#position = id
    const codec = this.#codec
    const data = codec.serialize(value)
    return { kind: 'event', id, data, codec, decoded: { value }, frame: undefined }
  }
}
