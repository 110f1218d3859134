import type { EventId } from '@trpc-sse/protocol'
import type { Mutable } from '../mutable.ts'
import type { LogEntry } from './log-event.ts'

/** How much of each open channel a process keeps at hand. */
export interface WindowLimits {
  /** Newest entries, a whole number. */
  readonly events: number
  /** Characters of payload in all. */
  readonly characters: number
}

/**
 * The newest entries of a log, in order, numbered from the first one that was ever pushed. A reader that stands
 * in it holds such a number: reading on is one array access.
 */
export interface Window {
  /** The number of the oldest entry that is still here. */
  readonly start: number
  /** The number that the next entry will get. */
  readonly end: number
  /** The id at the end: where a reader that has read all stands. */
  readonly tail: EventId
  push(entry: LogEntry): void
  /**
   * Takes in what comes before its oldest entry, of a page that was read after `from`: as much as there is room for.
   * Nothing if the page doesn't reach as far.
   */
  prepend(from: EventId, page: readonly LogEntry[]): void
  /** Drops all entries. Who stands at the end still does. */
  clear(): void
  at(sequence: number): LogEntry | undefined
  /** The number of the entry that follows an id; `undefined` if that can't be told from here. */
  after(id: EventId): number | undefined
  /** Whether an entry with this id is here. */
  has(id: EventId): boolean
}

/** Creates a window that stands, empty, at an id. */
export function createWindow(limits: WindowLimits, from: EventId): Window {
  // The first `evicted` slots are empty; they are cut off in one go once they are half of the array.
  const entries: Array<LogEntry | undefined> = []
  const following = new Map<EventId, number>()
  let evicted = 0
  let characters = 0
  // The id that the oldest entry follows, so that a reader who stands right before it is still served.
  let floor = from

  function evict(): void {
    const entry = entries[evicted]
    entries[evicted] = undefined
    evicted += 1
    window.start += 1
    if (entry !== undefined) {
      characters -= size(entry)
      floor = entry.id
      if (following.get(entry.id) === window.start) following.delete(entry.id)
    }
    if (evicted >= 64 && evicted * 2 >= entries.length) {
      entries.splice(0, evicted)
      evicted = 0
    }
  }

  /** How many of these, the newest, there is room for. */
  function fitting(older: readonly LogEntry[]): number {
    let count = 0
    let free = limits.characters - characters
    const most = Math.min(older.length, limits.events - (window.end - window.start))
    while (count < most) {
      free -= size(older[older.length - count - 1])
      if (free < 0) break
      count += 1
    }
    return count
  }

  function isOver(): boolean {
    const held = window.end - window.start
    return held > limits.events || (characters > limits.characters && held > 1)
  }

  const window: Mutable<Window> = {
    start: 0,
    end: 0,
    tail: from,
    push(entry) {
      characters += size(entry)
      entries.push(entry)
      window.end += 1
      window.tail = entry.id
      following.set(entry.id, window.end)
      while (isOver()) evict()
    },
    prepend(after, page) {
      const older = page.slice(0, page.findIndex(({ id }) => id === floor) + 1)
      const added = older.slice(older.length - fitting(older))
      if (added.length === 0) return
      const left = older[older.length - added.length - 1]
      entries.splice(0, evicted, ...added)
      evicted = 0
      window.start -= added.length
      floor = left?.id ?? after
      for (const [index, entry] of added.entries()) {
        characters += size(entry)
        // An id that is here twice is where the log went back to it: the newer place counts.
        if (!following.has(entry.id)) following.set(entry.id, window.start + index + 1)
      }
    },
    clear() {
      while (window.start < window.end) evict()
    },
    at: (sequence) =>
      sequence < window.start ? undefined : entries[evicted + sequence - window.start],
    after(id) {
      const sequence = following.get(id)
      if (sequence !== undefined) return sequence
      if (id === window.tail) return window.end
      return id === floor ? window.start : undefined
    },
    has: (id) => following.has(id),
  }
  return window
}

function size(entry: LogEntry | undefined): number {
  return entry?.kind === 'event' ? entry.data.length : 0
}
