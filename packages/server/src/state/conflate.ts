import type { Hub } from '../hub/hub.ts'
import { eventValue, type FeedEvent } from '../hub/log-event.ts'
import type { Window } from '../hub/window.ts'
import type { LogFeed } from '../subscription/feed.ts'
import { toStateChange } from './changes.ts'

/**
 * Knows the newest change of each key in a window. All readers of the window share it, so a slow
 * reader needs no memory of its own.
 */
class NewestChanges {
  readonly #window: Window
  /** The sequence number of the newest change, by key. */
  readonly #newest = new Map<string, number>()
  #end = 0

  constructor(window: Window) {
    this.#window = window
  }

  /** Whether the window has a later change of the same key. */
  isOutdated(event: FeedEvent): boolean {
    this.#readOn()
    const following = this.#window.after(event.id)
    const key = keyOf(event)
    if (following === undefined || key === undefined) return false
    return (this.#newest.get(key) ?? -1) >= following
  }

  #readOn(): void {
    const { start, end } = this.#window
    for (let i = Math.max(start, this.#end); i < end; i++) {
      const entry = this.#window.at(i)
      const key = entry?.kind === 'event' ? keyOf(entry) : undefined
      if (key !== undefined) this.#newest.set(key, i)
    }
    this.#end = end
    if (this.#newest.size <= 2 * (end - start) + 64) return
    for (const [key, sequence] of this.#newest) if (sequence < start) this.#newest.delete(key)
  }
}

function keyOf(event: FeedEvent): string | undefined {
  return toStateChange(eventValue(event))?.key
}

const newestChanges = new WeakMap<Window, NewestChanges>()

/** Leaves out the changes that a later change in the hub's window replaces. */
export function conflate(feed: LogFeed, hub: Pick<Hub, 'window'>): LogFeed {
  feed.needValues()
  return {
    next() {
      for (;;) {
        const item = feed.next()
        if (item?.kind !== 'event' || !isOutdated(item, hub.window)) return item
      }
    },
    position: () => feed.position(),
    needValues: () => feed.needValues(),
    hasCaughtUp: () => feed.hasCaughtUp(),
    isBehind: () => feed.isBehind(),
    isTooFarBehind: () => feed.isTooFarBehind(),
    readers: () => feed.readers(),
    close: () => feed.close(),
  }
}

function isOutdated(event: FeedEvent, window: Window | undefined): boolean {
  if (window === undefined) return false
  const known = newestChanges.get(window) ?? new NewestChanges(window)
  newestChanges.set(window, known)
  return known.isOutdated(event)
}
