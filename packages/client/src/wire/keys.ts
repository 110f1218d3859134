import { shortHash } from '@trpc-sse/protocol'

/** The subscriptions of one stream, by their keys on it. */
export interface KeyTable<TEntry> {
  /** Whether the set differs from the wanted subscriptions. */
  differs(wanted: ReadonlySet<TEntry>): boolean
  /**
   * Creates the set of this revision, as close to the wanted subscriptions as one request allows.
   * Returns the new entries. A released key must be missing from one set before a later set uses it
   * again. Until then, an entry that needs the key is left out.
   */
  update(wanted: ReadonlySet<TEntry>, revision: number): readonly TEntry[]
  /** Forgets an entry that the server has ended. The server needs no request for that. */
  forget(entry: TEntry): void
  /**
   * Returns the entry for a message with this key; `undefined` if the message is for an earlier
   * entry with that key.
   */
  receive(key: string, isStart: boolean): TEntry | undefined
  /**
   * The server may not have received the sets that were sent. So no released key is used again
   * until a new entry has started.
   */
  doubt(): void
  /** The set, by key. */
  entries(): Iterable<readonly [key: string, entry: TEntry]>
}

interface Slot<TEntry> {
  /**
   * `undefined` once the server has ended it. The key stays in use until there is a set without it.
   */
  entry: TEntry | undefined
  /** The revision of the first set that contains it. */
  readonly revision: number
  hasStarted: boolean
}

/** A released key, while messages with it may still arrive. */
interface GoneKey {
  /** The revision of the first set without it. */
  readonly revision: number
  /** If `false`, the next start with this key may belong to the old entry. */
  hasStarted: boolean
}

/** Creates the table of a new stream. Keys are derived from the result of `identityOf`. */
export function createKeyTable<TEntry>(identityOf: (entry: TEntry) => string): KeyTable<TEntry> {
  const slots = new Map<string, Slot<TEntry>>()
  const gone = new Map<string, GoneKey>()

  /**
   * Returns an unambiguous free key; `undefined` if the entry's key becomes free with the next set.
   */
  function keyFor(entry: TEntry, freed: ReadonlySet<string>): string | undefined {
    const hash = shortHash(identityOf(entry))
    let key = hash
    const isTaken = (): boolean => slots.has(key) || gone.get(key)?.hasStarted === false
    for (let n = 1; !freed.has(key) && isTaken(); n++) key = `${hash}-${n}`
    return freed.has(key) ? undefined : key
  }

  const live = (): TEntry[] =>
    [...slots.values()].map(({ entry }) => entry).filter((entry) => entry !== undefined)

  return {
    differs(wanted) {
      const had = live()
      return wanted.size !== had.length || had.some((entry) => !wanted.has(entry))
    },
    update(wanted, revision) {
      const had = new Set(live())
      const freed = giveUp(slots, gone, wanted, revision)
      return [...wanted].filter((entry) => {
        const key = had.has(entry) ? undefined : keyFor(entry, freed)
        if (key === undefined) return false
        slots.set(key, { entry, revision, hasStarted: false })
        return true
      })
    },
    forget(entry) {
      for (const slot of slots.values()) if (slot.entry === entry) slot.entry = undefined
    },
    receive: (key, isStart) => entryOf(slots, gone, key, isStart),
    doubt() {
      for (const key of gone.values()) key.hasStarted = false
    },
    entries: () =>
      [...slots].flatMap(([key, { entry }]) =>
        entry === undefined ? [] : [[key, entry] as const],
      ),
  }
}

/** Removes unwanted entries; returns their keys. */
function giveUp<TEntry>(
  slots: Map<string, Slot<TEntry>>,
  gone: Map<string, GoneKey>,
  wanted: ReadonlySet<TEntry>,
  revision: number,
): ReadonlySet<string> {
  const freed = new Set<string>()
  for (const [key, { entry, hasStarted }] of slots) {
    if (entry !== undefined && wanted.has(entry)) continue
    slots.delete(key)
    gone.set(key, { revision, hasStarted })
    freed.add(key)
  }
  return freed
}

function entryOf<TEntry>(
  slots: ReadonlyMap<string, Slot<TEntry>>,
  gone: Map<string, GoneKey>,
  key: string,
  isStart: boolean,
): TEntry | undefined {
  const slot = slots.get(key)
  const old = gone.get(key)
  // All messages of an earlier entry arrive before the start of this one.
  if (!isStart) return old ? undefined : slot?.entry
  if (!slot) {
    if (old) old.hasStarted = true
    return undefined
  }
  slot.hasStarted = true
  // The server has applied this set, and everything that it sent before that has arrived.
  for (const [other, { revision }] of gone) if (revision <= slot.revision) gone.delete(other)
  return slot.entry
}
