import type {
  EntriesPage,
  EntriesRange,
  EntryCondition,
  EntryUpdate,
  LogChange,
} from './entries.ts'

interface MemoryEntry {
  readonly value: string
  /** In elapsed milliseconds. */
  readonly expiresAtMs: number
  readonly onExpiry: string | undefined
}

/** The entries of one log. */
export class MemoryEntries {
  readonly #entries = new Map<string, MemoryEntry>()
  /** May be too early, as the entry that was due then may have been removed or renewed. */
  #nextExpiryMs = Infinity

  /** A lower bound: no entry expires before this time. */
  get nextExpiryMs(): number {
    return this.#nextExpiryMs
  }

  /** Removes expired entries. Returns the payloads to store, in the order of expiry. */
  expire(elapsedMs: number): readonly string[] {
    if (elapsedMs < this.#nextExpiryMs) return []
    const due = [...this.#entries].filter(([, { expiresAtMs }]) => expiresAtMs <= elapsedMs)
    for (const [key] of due) this.#entries.delete(key)
    const times = [...this.#entries.values()].map(({ expiresAtMs }) => expiresAtMs)
    this.#nextExpiryMs = times.reduce((first, time) => Math.min(first, time), Infinity)
    return due
      .sort(([, a], [, b]) => a.expiresAtMs - b.expiresAtMs)
      .flatMap(([, { onExpiry }]) => onExpiry ?? [])
  }

  current(conditions: readonly EntryCondition[]): readonly (string | null)[] {
    return conditions.map(({ key }) => this.#entries.get(key)?.value ?? null)
  }

  /** Returns the number of entries after a change. */
  sizeAfter({ set = [], delete: deleted = [] }: LogChange): number {
    const removed = new Set(deleted.filter((key) => this.#entries.has(key)))
    const added = new Set<string>()
    for (const { key } of set) {
      if (removed.delete(key) || this.#entries.has(key)) continue
      added.add(key)
    }
    return this.#entries.size - removed.size + added.size
  }

  apply({ set = [], delete: deleted = [] }: LogChange, elapsedMs: number): void {
    for (const key of deleted) this.#entries.delete(key)
    for (const update of set) {
      const entry = toEntry(update, elapsedMs)
      this.#entries.set(update.key, entry)
      this.#nextExpiryMs = Math.min(this.#nextExpiryMs, entry.expiresAtMs)
    }
  }

  read({ after, limit }: EntriesRange): Omit<EntriesPage, 'lastEventId'> {
    const keys = [...this.#entries.keys()].sort()
    const from = after === undefined ? 0 : keys.findIndex((key) => key > after)
    const page = from < 0 ? [] : keys.slice(from, from + Math.max(1, limit))
    const last = page.at(-1)
    return {
      entries: page.map((key) => [key, this.#entries.get(key)?.value ?? ''] as const),
      ...(last !== undefined && last !== keys.at(-1) && { next: last }),
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#nextExpiryMs = Infinity
  }
}

function toEntry(
  { value, forMs = Infinity, onExpiry }: EntryUpdate,
  elapsedMs: number,
): MemoryEntry {
  return { value, expiresAtMs: elapsedMs + forMs, onExpiry }
}
