import { shortHash } from '@trpc-sse/protocol'

/** The subscriptions of one stream, by the key that they have on it. */
export interface KeyTable<TEntry> {
  /** Whether the set differs from what is wanted. */
  differs(wanted: ReadonlySet<TEntry>): boolean
  /**
   * Makes the set of this revision, as close to what is wanted as one request can come; returns
   * what is new in it. A key that is given up must be missing in one set before another set uses
   * it. Until then, an entry that needs it is left out.
   */
  update(wanted: ReadonlySet<TEntry>, revision: number): readonly TEntry[]
  /** Forgets an entry that the server has ended. The server needs no request for that. */
  forget(entry: TEntry): void
  /**
   * Returns the entry of a message with this key; `undefined` if the message is for an earlier
   * entry with the key.
   */
  receive(key: string, isStart: boolean): TEntry | undefined
  /**
   * The server may not have the sets that were sent: uses no given-up key again before something
   * new has started.
   */
  doubt(): void
  /** The set, by key. */
  entries(): Iterable<readonly [key: string, entry: TEntry]>
}

interface Slot<TEntry> {
  /**
   * `undefined` once the server has ended it. The key stays taken until there is a set without it.
   */
  entry: TEntry | undefined
  /** The revision of the first set with it. */
  readonly revision: number
  hasStarted: boolean
}

/** A key that was given up, while messages with it may still arrive. */
interface GoneKey {
  /** The revision of the first set without it. */
  readonly revision: number
  /** If not, the next start with this key may belong to the old entry. */
  hasStarted: boolean
}

/** Creates the table of a new stream. Keys are made of what `identityOf` returns. */
export function createKeyTable<TEntry>(identityOf: (entry: TEntry) => string): KeyTable<TEntry> {
  const slots = new Map<string, Slot<TEntry>>()
  const gone = new Map<string, GoneKey>()

  /**
   * Returns a free key that can't be mistaken; `undefined` if the right one becomes free with the
   * next set.
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

/** Removes what is not wanted; returns the keys of that. */
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
  // All messages of an earlier entry come before the start of this one.
  if (!isStart) return old ? undefined : slot?.entry
  if (!slot) {
    if (old) old.hasStarted = true
    return undefined
  }
  slot.hasStarted = true
  // The server has applied this set by now, and what it sent before has arrived.
  for (const [other, { revision }] of gone) if (revision <= slot.revision) gone.delete(other)
  return slot.entry
}
