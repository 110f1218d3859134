import { shortHash } from '@trpc-sse/protocol'

/** The subscriptions of one stream, by the key that they have on it. */
export interface KeyTable<TEntry> {
  /** Whether the set is another one than what is wanted. */
  differs(wanted: ReadonlySet<TEntry>): boolean
  /**
   * Makes the set what is wanted; gives what is new in it. A key that was given up is never used again on the
   * stream: what still arrives for it must not be mistaken.
   */
  update(wanted: ReadonlySet<TEntry>): readonly TEntry[]
  /** Forgets an entry that the server has ended: that changes nothing for the server. */
  forget(entry: TEntry): void
  get(key: string): TEntry | undefined
  /** The set, by key. */
  readonly keys: ReadonlyMap<string, TEntry>
}

/** Creates the table of a new stream. `identityOf` an entry is what its key is made of. */
export function createKeyTable<TEntry>(identityOf: (entry: TEntry) => string): KeyTable<TEntry> {
  const entries = new Map<string, TEntry>()
  const used = new Set<string>()

  function newKey(entry: TEntry): string {
    const hash = shortHash(identityOf(entry))
    let key = hash
    for (let n = 1; used.has(key); n++) key = `${hash}-${n}`
    used.add(key)
    return key
  }

  function forgetIf(isOver: (entry: TEntry) => boolean): void {
    for (const [key, entry] of entries) if (isOver(entry)) entries.delete(key)
  }

  return {
    differs: (wanted) =>
      wanted.size !== entries.size || [...entries.values()].some((entry) => !wanted.has(entry)),
    update(wanted) {
      const had = new Set(entries.values())
      const added = [...wanted].filter((entry) => !had.has(entry))
      forgetIf((entry) => !wanted.has(entry))
      for (const entry of added) entries.set(newKey(entry), entry)
      return added
    },
    forget: (entry) => forgetIf((one) => one === entry),
    get: (key) => entries.get(key),
    keys: entries,
  }
}
