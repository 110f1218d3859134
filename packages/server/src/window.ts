import type { EventId } from '@trpc-sse/protocol'
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
  let start = 0
  let end = 0
  let characters = 0
  let tail = from
  // The id that the oldest entry follows, so that a reader who stands right before it is still served.
  let floor = from

  function evict(): void {
    const entry = entries[evicted]
    entries[evicted] = undefined
    evicted += 1
    start += 1
    if (entry !== undefined) {
      characters -= size(entry)
      floor = entry.id
      if (following.get(entry.id) === start) following.delete(entry.id)
    }
    if (evicted >= 64 && evicted * 2 >= entries.length) {
      entries.splice(0, evicted)
      evicted = 0
    }
  }

  return {
    get start() {
      return start
    },
    get end() {
      return end
    },
    get tail() {
      return tail
    },
    push(entry) {
      characters += size(entry)
      entries.push(entry)
      end += 1
      tail = entry.id
      following.set(entry.id, end)
      while (end - start > limits.events || (characters > limits.characters && end - start > 1)) evict()
    },
    at: (sequence) => (sequence < start ? undefined : entries[evicted + sequence - start]),
    after(id) {
      const sequence = following.get(id)
      if (sequence !== undefined) return sequence
      if (id === tail) return end
      return id === floor ? start : undefined
    },
    has: (id) => following.has(id),
  }
}

function size(entry: LogEntry): number {
  return entry.kind === 'event' ? entry.data.length : 0
}
