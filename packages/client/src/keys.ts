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
  const keys = new Map<TEntry, string>()
  const used = new Set<string>()

  function newKey(entry: TEntry): string {
    const hash = shortHash(identityOf(entry))
    let key = hash
    for (let n = 1; used.has(key); n++) key = `${hash}-${n}`
    used.add(key)
    return key
  }

  function forget(entry: TEntry): void {
    entries.delete(keys.get(entry) ?? '')
    keys.delete(entry)
  }

  return {
    differs: (wanted) => wanted.size !== keys.size || [...wanted].some((entry) => !keys.has(entry)),
    update(wanted) {
      const added = [...wanted].filter((entry) => !keys.has(entry))
      for (const entry of [...keys.keys()]) if (!wanted.has(entry)) forget(entry)
      for (const entry of added) {
        const key = newKey(entry)
        keys.set(entry, key)
        entries.set(key, entry)
      }
      return added
    },
    forget,
    get: (key) => entries.get(key),
    keys: entries,
  }
}
