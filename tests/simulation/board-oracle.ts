import type { Change } from './boards.ts'
import type { Violation } from './oracle.ts'
import type { Watch } from './watch.ts'

/** A map, as somebody knows it. */
export type Entries = ReadonlyMap<string, { readonly n: number }>

/** What a reader of a board gets. */
type Item =
  | {
      readonly type: 'snapshot'
      readonly data: ReadonlyArray<{ readonly key: string; readonly value: { readonly n: number } }>
    }
  | { readonly type: 'event'; readonly data: BoardEvent }
type BoardEvent =
  | { readonly type: 'set'; readonly key: string; readonly value: { readonly n: number } }
  | { readonly type: 'removed'; readonly key: string }

/** Checks that a stored map is one that the changes can have led to. */
export function checkEntries(entries: Entries, changes: readonly Change[]): string[] {
  const keys = new Set(changes.map(({ key }) => key))
  return [...keys].flatMap((key) => {
    const n = entries.get(key)?.n
    const own = changes.filter((change) => change.key === key)
    const stored = own.filter((change) => change.n === n)
    if (n !== undefined && stored.length === 0) return [`${key} is ${n}, which nobody set`]
    // A key without an entry was deleted, or never set.
    const never = { endedAtMs: -1 }
    const candidates = n === undefined ? [...stored, never] : stored
    const isNewest = candidates.some((one) => !own.some((other) => isAfter(other, one)))
    return isNewest ? [] : [`${key} is ${n ?? 'missing'}, though a later change was stored`]
  })
}

/** Whether a change was stored, and began after another one was. */
function isAfter(change: Change, { endedAtMs }: Pick<Change, 'endedAtMs'>): boolean {
  return change.endedAtMs < Infinity && change.startedAtMs > endedAtMs
}

/** Checks what a reader was told, and returns the map that it has at the end. */
export function checkReader(
  watch: Watch,
  changes: readonly Change[],
  mayLose: boolean,
): { readonly entries: Entries | undefined; readonly found: Violation[] } {
  const found: Violation[] = []
  const { client, name } = watch
  let entries: Map<string, { readonly n: number }> | undefined
  /** The newest change of each key that it knows. */
  const newest = new Map<string, Change>()
  const fail = (atMs: number, text: string): void => {
    const about = [name]
    found.push({ kind: 'board', text: `${client}, ${name}: ${text}`, atMs, actor: client, about })
  }
  const see = (key: string, n: number | undefined, atMs: number): void => {
    const own = changes.filter((change) => change.key === key && change.n === n)
    const before = newest.get(key)
    const known = own.find((one) => before === undefined || one.endedAtMs >= before.startedAtMs)
    if (known) newest.set(key, known)
    else if (own.length === 0 && n !== undefined) fail(atMs, `${key} is ${n}, which nobody set`)
    else if (before?.n !== undefined && !mayLose)
      fail(atMs, `${key} is ${n ?? 'missing'} after it was ${before.n}, a later one`)
  }
  for (const told of watch.told) {
    const { atMs } = told
    if (told.kind === 'error' || told.kind === 'complete') fail(atMs, `it ended: ${told.text}`)
    else if (told.kind === 'gap') fail(atMs, `a gap, where a snapshot was due: ${told.text}`)
    else if (told.kind === 'loaded' && !told.hasPosition) entries = undefined
    if (told.kind !== 'item') continue
    const item = told.item as Item
    if (item.type === 'snapshot') {
      const before = entries ?? new Map()
      entries = new Map(item.data.map(({ key, value }) => [key, value] as const))
      for (const key of new Set([...before.keys(), ...entries.keys()]))
        see(key, entries.get(key)?.n, atMs)
    } else if (entries === undefined) fail(atMs, 'a change came before the snapshot')
    else if (item.data.type === 'set') {
      entries.set(item.data.key, item.data.value)
      see(item.data.key, item.data.value.n, atMs)
    } else {
      entries.delete(item.data.key)
      see(item.data.key, undefined, atMs)
    }
  }
  return { entries, found }
}

/** Whether two maps are the same. */
export function areEqual(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>) {
  const text = (map: ReadonlyMap<string, unknown>): string => JSON.stringify([...map].sort())
  return text(one) === text(other)
}
