import { eventValue } from '../hub/log-event.ts'
import { mustBeValue } from '../user-code/calls.ts'
import { gapError } from './errors.ts'
import type { Feed, FeedItem, ReaderState } from './feed.ts'

/** The second argument of a filter or a map. */
export interface EventMeta {
  /** The event's id. A resume from this id starts after the event. */
  readonly id: string
}

/** Skips events that don't fit. The position moves past them, so a resume starts after them. */
export function filterFeed(feed: Feed, fits: (event: unknown, meta: EventMeta) => boolean): Feed {
  feed.needValues()
  return new TransformedFeed(feed, (item) => {
    if (item.kind !== 'event') return item
    return mustBeValue(fits(eventValue(item), item), 'filter()') ? item : undefined
  })
}

/** Replaces the value of each event, and keeps its id. */
export function mapFeed(feed: Feed, change: (event: unknown, meta: EventMeta) => unknown): Feed {
  feed.needValues()
  return new TransformedFeed(feed, (item) => {
    if (item.kind !== 'event') return item
    const { id, codec } = item
    const decoded = { value: mustBeValue(change(eventValue(item), item), 'map()') }
    return { kind: 'event', id, data: undefined, codec, decoded, frame: undefined }
  })
}

/** Makes the feed throw at the first gap. */
export function failOnGap(feed: Feed): Feed {
  return new TransformedFeed(feed, (item) => {
    if (item.kind === 'gap') throw gapError(item)
    return item
  })
}

/** Returns the item to deliver; `undefined` skips the item. */
type Transform = (item: FeedItem) => FeedItem | undefined

class TransformedFeed implements Feed {
  readonly #feed: Feed
  readonly #transform: Transform

  constructor(feed: Feed, transform: Transform) {
    this.#feed = feed
    this.#transform = transform
  }

  next(): FeedItem | undefined {
    for (let item = this.#feed.next(); item !== undefined; item = this.#feed.next()) {
      const result = this.#transform(item)
      if (result !== undefined) return result
    }
    return undefined
  }

  position(): string | undefined {
    return this.#feed.position()
  }

  needValues(): void {
    this.#feed.needValues()
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
}
