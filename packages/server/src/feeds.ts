import { type EventId, formatCompositeId, parseCompositeId, shortHash } from '@trpc-sse/protocol'
import type { Codec } from './codec.ts'
import type { Feed } from './cursor.ts'
import type { Hub } from './hub.ts'
import { eventValue, type FeedEvent, type Gap } from './log-event.ts'
import type { ReadGroup } from './reads.ts'
import { gapError } from './resume.ts'
import { mustBeValue } from './user-code.ts'

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
    return { kind: 'event', id: event.id, data: undefined, codec: event.codec, decoded, frame: undefined }
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
    isTooFarBehind: () => feed.isTooFarBehind?.() === true,
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
    isTooFarBehind: () => feed.isTooFarBehind?.() === true,
    close: () => feed.close(),
  }
}

/** One log that a subscription reads, with what the subscription does to its events. */
export interface FeedPart {
  /** The log's key. */
  readonly key: string
  /** What the subscription was given to end it. */
  readonly signal: AbortSignal | undefined
  /** What wrote its events. */
  readonly codec: Codec
  /** What it reads from, once it was opened. */
  hub(): Pick<Hub, 'window' | 'failure'> | undefined
  /** Starts after an id, or where the subscription starts without one. */
  open(lastEventId: EventId | undefined, wake: () => void, group: ReadGroup): Feed
}

/**
 * Reads many feeds as one. Each keeps its order; between two that both have an event, the one stored earlier goes
 * first. An id is the position in all of them. A feed that the id to resume from doesn't know starts afresh.
 */
export function mergeFeeds(
  parts: readonly FeedPart[],
  lastEventId: string | undefined,
  wake: () => void,
  group: ReadGroup,
): Feed {
  const resume = lastEventId === undefined ? new Map<string, EventId>() : parseCompositeId(lastEventId)
  const feeds = parts.map(({ key, open }) => {
    // Names the log in a composite id, in which there is no room for a key.
    const name = shortHash(key)
    return { name, feed: open(resume.get(name), wake, group) }
  })
  const heads = new Map<string, FeedEvent | Gap>()
  const positions = new Map<string, EventId>()
  let needsValues = false

  function compositeId(): string | undefined {
    for (const { name, feed } of feeds) {
      const position = heads.has(name) ? positions.get(name) : feed.position()
      if (position === undefined) return undefined
      positions.set(name, position)
    }
    return formatCompositeId(positions)
  }

  /** Fills the heads, and names the feed whose head goes first. */
  function first(): string | undefined {
    let best: string | undefined
    for (const { name, feed } of feeds) {
      const position = feed.position()
      const head = heads.get(name) ?? feed.next()
      if (head === undefined) continue
      if (!heads.has(name) && position !== undefined) positions.set(name, position)
      heads.set(name, head)
      if (best === undefined || goesBefore(head, heads.get(best))) best = name
    }
    return best
  }

  return {
    position: compositeId,
    next() {
      // Until every feed knows where it starts there is no id to give.
      const before = compositeId()
      if (before === undefined) return undefined
      const name = first()
      const head = name === undefined ? undefined : heads.get(name)
      if (name === undefined || head === undefined) return undefined
      heads.delete(name)
      positions.set(name, head.kind === 'gap' ? head.position : head.id)
      const id = formatCompositeId(positions)
      if (head.kind === 'gap')
        return { kind: 'gap', lastEventId: before, position: id, reason: head.reason, report: head.report }
      // Decoded where the value is kept for all who read the event.
      if (needsValues) eventValue(head)
      return {
        kind: 'event',
        id,
        data: head.data,
        codec: head.codec,
        decoded: head.decoded,
        frame: undefined,
      }
    },
    needValues() {
      needsValues = true
      for (const { feed } of feeds) feed.needValues()
    },
    isTooFarBehind: () => feeds.some(({ feed }) => feed.isTooFarBehind?.()),
    close() {
      for (const { feed } of feeds) feed.close()
    },
  }
}

function goesBefore(a: FeedEvent | Gap, b: FeedEvent | Gap | undefined): boolean {
  if (b === undefined || a.kind === 'gap') return true
  return b.kind === 'event' && timeOf(a.id) < timeOf(b.id)
}

function timeOf(id: EventId): number {
  return Number.parseInt(id, 10)
}
