import { eventValue, type FeedEvent } from '../hub/log-event.ts'
import { mustBeValue } from '../user-code/calls.ts'
import { gapError } from './errors.ts'
import type { Feed } from './feed.ts'

/** What a filter or a map is told beside the event. */
export interface EventMeta {
  /** The event's id: what resumes after it. */
  readonly id: string
}

/** Passes on what fits. The position moves past what doesn't, so that a later resume starts there. */
export function filterFeed(feed: Feed, fits: (event: unknown, meta: EventMeta) => boolean): Feed {
  return transformFeed(feed, (event, value) =>
    mustBeValue(fits(value, event), 'filter()') ? event : undefined,
  )
}

/** Passes on a new value for each event, under the same id. */
export function mapFeed(feed: Feed, change: (event: unknown, meta: EventMeta) => unknown): Feed {
  return transformFeed(feed, (event, value) => {
    const decoded = { value: mustBeValue(change(value, event), 'map()') }
    return {
      kind: 'event',
      id: event.id,
      data: undefined,
      codec: event.codec,
      decoded,
      frame: undefined,
    }
  })
}

function transformFeed(
  feed: Feed,
  transform: (event: FeedEvent, value: unknown) => FeedEvent | undefined,
): Feed {
  feed.needValues()
  return {
    position: () => feed.position(),
    needValues() {},
    next() {
      for (let item = feed.next(); item !== undefined; item = feed.next()) {
        if (item.kind === 'gap') return item
        const result = transform(item, eventValue(item))
        if (result !== undefined) return result
      }
      return undefined
    },
    isTooFarBehind: () => feed.isTooFarBehind(),
    close: () => feed.close(),
  }
}

/** Ends with an error where events can't be had any more. */
export function failOnGap(feed: Feed): Feed {
  return {
    position: () => feed.position(),
    needValues: () => feed.needValues(),
    next() {
      const item = feed.next()
      if (item?.kind === 'gap') throw gapError(item)
      return item
    },
    isTooFarBehind: () => feed.isTooFarBehind(),
    close: () => feed.close(),
  }
}
