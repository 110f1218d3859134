import type { EventId } from '@trpc-sse/protocol'
import type { LogEntry } from './log-event.ts'

/**
 * Limits on the entries that a process keeps in memory for each open channel. The first limit that
 * is reached applies.
 */
export interface WindowLimits {
  /** The maximum number of entries: a whole number, 1 or more. The newest are kept. */
  readonly events: number
  /** The maximum number of payload characters in total. */
  readonly characters: number
}

/**
 * The newest entries of a log, in order. Entries are numbered from the first one that was pushed. A
 * reader inside the window stores the number of its next entry, so a read is one array access.
 */
export class Window {
  readonly #limits: WindowLimits
  /** The first `#evicted` slots are empty. They are removed once they make up half of the array. */
  readonly #entries: Array<LogEntry | undefined> = []
  /** For each id, the number of the entry that follows it. */
  readonly #following = new Map<EventId, number>()
  #evicted = 0
  #characters = 0
  #start = 0
  #end = 0
  #tail: EventId
  /** The id that the oldest entry follows. The window can still serve a reader at this id. */
  #floor: EventId

  /** Creates an empty window whose first entry will follow `from`. */
  constructor(limits: WindowLimits, from: EventId) {
    this.#limits = limits
    this.#tail = from
    this.#floor = from
  }

  /** The number of the oldest entry in the window. */
  get start(): number {
    return this.#start
  }

  /** The number that the next entry will get. */
  get end(): number {
    return this.#end
  }

  /** The id at the end: the position of a reader that has read everything. */
  get tail(): EventId {
    return this.#tail
  }

  /** The number of payload characters in the window. */
  get characters(): number {
    return this.#characters
  }

  push(entry: LogEntry): void {
    this.#characters += sizeOf(entry)
    this.#entries.push(entry)
    this.#end += 1
    this.#tail = entry.id
    this.#following.set(entry.id, this.#end)
    while (this.#isOverLimits()) this.#evict()
  }

  /**
   * Adds entries of an older page, which was read after `from`, at the start of the window: as many
   * as the limits allow. Adds none if the page doesn't reach the start.
   */
  prepend(from: EventId, page: readonly LogEntry[]): void {
    const older = page.slice(0, page.findIndex(({ id }) => id === this.#floor) + 1)
    const added = older.slice(older.length - this.#countFitting(older))
    if (added.length === 0) return
    const left = older[older.length - added.length - 1]
    this.#entries.splice(0, this.#evicted, ...added)
    this.#evicted = 0
    this.#start -= added.length
    this.#floor = left?.id ?? from
    for (const [index, entry] of added.entries()) {
      this.#characters += sizeOf(entry)
      // An id occurs twice if the log went back to it. Then the newer entry counts.
      if (!this.#following.has(entry.id)) this.#following.set(entry.id, this.#start + index + 1)
    }
  }

  /** Drops all entries. A reader at the end keeps its position. */
  clear(): void {
    while (this.#start < this.#end) this.#evict()
  }

  at(sequence: number): LogEntry | undefined {
    if (sequence < this.#start) return undefined
    return this.#entries[this.#evicted + sequence - this.#start]
  }

  /**
   * Returns the number of the entry that follows an id; `undefined` if the window doesn't know the
   * id.
   */
  after(id: EventId): number | undefined {
    const sequence = this.#following.get(id)
    if (sequence !== undefined) return sequence
    if (id === this.#tail) return this.#end
    return id === this.#floor ? this.#start : undefined
  }

  /** Whether an entry with this id is in the window. */
  has(id: EventId): boolean {
    return this.#following.has(id)
  }

  #isOverLimits(): boolean {
    const { events, characters } = this.#limits
    const count = this.#end - this.#start
    return count > events || (this.#characters > characters && count > 1)
  }

  #evict(): void {
    const entry = this.#entries[this.#evicted]
    this.#entries[this.#evicted] = undefined
    this.#evicted += 1
    this.#start += 1
    if (entry !== undefined) {
      this.#characters -= sizeOf(entry)
      this.#floor = entry.id
      if (this.#following.get(entry.id) === this.#start) this.#following.delete(entry.id)
    }
    if (this.#evicted >= 64 && this.#evicted * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#evicted)
      this.#evicted = 0
    }
  }

  /** Returns how many of these entries, counted from the newest, still fit into the limits. */
  #countFitting(older: readonly LogEntry[]): number {
    let count = 0
    let free = this.#limits.characters - this.#characters
    const most = Math.min(older.length, this.#limits.events - (this.#end - this.#start))
    while (count < most) {
      free -= sizeOf(older[older.length - count - 1])
      if (free < 0) break
      count += 1
    }
    return count
  }
}

function sizeOf(entry: LogEntry | undefined): number {
  return entry?.kind === 'event' ? entry.data.length : 0
}
