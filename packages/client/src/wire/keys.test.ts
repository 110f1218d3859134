import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../tests/support/seeded-random.ts'
import { createKeyTable, type KeyTable } from './keys.ts'

interface Entry {
  readonly identity: string
}

/** A table, and the keys of its newest set. */
function setup(identityOf = ({ identity }: Entry): string => identity) {
  const table = createKeyTable<Entry>(identityOf)
  let revision = 0
  return {
    ...table,
    set: (...wanted: Entry[]) => table.update(new Set(wanted), ++revision),
    keys: () => keysOf(table),
    keyOf: (entry: Entry) => [...table.entries()].find(([, one]) => one === entry)?.[0] ?? 'none',
  }
}

const keysOf = (table: KeyTable<Entry>): string[] => Array.from(table.entries(), ([key]) => key)

describe('a key table', () => {
  it('P47: has keys that any server accepts, equal for equal subscriptions of different clients', () => {
    const keys = ['a', 'ü/ü {"x":1}', ''].map((identity) => {
      const [one, other] = [setup(), setup()]
      one.set({ identity })
      other.set({ identity: 'before' })
      other.set({ identity })
      expect(one.keys()).toEqual(other.keys())
      return one.keys()[0]
    })
    for (const key of keys) expect(key).toMatch(/^[\w-]{1,64}$/)
    expect(new Set(keys).size).toBe(3)
  })

  it('P47: has a different key for each, whatever the hashes are', () => {
    const { set, entries, keys, receive } = setup(() => 'collides')
    const all = [{ identity: 'a' }, { identity: 'b' }, { identity: 'c' }]
    expect(set(...all)).toEqual(all)
    expect(Array.from(entries(), ([, entry]) => entry)).toEqual(all)
    expect(keys().map((key) => receive(key, true))).toEqual(all)
  })

  it('P58: reuses a key after a set without it, and accepts no message for it before its start', () => {
    const { set, keys, receive, differs } = setup()
    const [before, after, again] = [{ identity: 'a' }, { identity: 'a' }, { identity: 'a' }]
    set(before)
    const [key = ''] = keys()
    expect(receive(key, true)).toBe(before)
    // Not in the same set, because the server would mistake it for its current subscription.
    expect(set(after)).toEqual([])
    expect([keys(), differs(new Set([after]))]).toEqual([[], true])
    expect(set(after)).toEqual([after])
    expect(keys()).toEqual([key])
    // A late message of the previous subscription, and then one of its own.
    expect(receive(key, false)).toBeUndefined()
    expect([receive(key, true), receive(key, false)]).toEqual([after, after])
    set()
    set(again)
    expect(keys()).toEqual([key])
  })

  it('P58: reuses the key of an ended subscription after a set without it', () => {
    const { set, keys, receive, differs, forget } = setup()
    const entry = { identity: 'a' }
    set(entry)
    const [key = ''] = keys()
    receive(key, true)
    forget(entry)
    expect([receive(key, false), differs(new Set())]).toEqual([undefined, false])
    expect([set(entry), set(entry)]).toEqual([[], [entry]])
    expect(keys()).toEqual([key])
  })

  it('gives another key while the start of an earlier one may still arrive', () => {
    const { set, keys, keyOf, receive } = setup()
    const [a, b] = [{ identity: 'a' }, { identity: 'b' }]
    set(a)
    const key = keyOf(a)
    set()
    set(a)
    expect(keyOf(a)).toBe(`${key}-1`)
    expect(receive(key, true)).toBeUndefined()
    set()
    set(a)
    expect(keyOf(a)).toBe(key)
    set()
    // This set was requested after the start, so no message of the earlier one can still arrive.
    set(b)
    expect(receive(keyOf(b), true)).toBe(b)
    set(a, b)
    expect(keys()).toContain(key)
    expect(receive(key, false)).toBe(a)
  })

  it('reuses no key that the server may not have released', () => {
    const { set, keyOf, receive, doubt } = setup()
    const a = { identity: 'a' }
    set(a)
    const key = keyOf(a)
    receive(key, true)
    set()
    doubt()
    set(a)
    expect(keyOf(a)).toBe(`${key}-1`)
  })

  it('keeps the keys of subscriptions that stay, and returns the new ones', () => {
    const { set, keyOf, differs, receive, forget } = setup()
    const [a, b, c] = [{ identity: 'a' }, { identity: 'b' }, { identity: 'c' }]
    set(a, b)
    const keyOfB = keyOf(b)
    expect(differs(new Set([b, a]))).toBe(false)
    expect(differs(new Set([b]))).toBe(true)
    expect(differs(new Set([b, c]))).toBe(true)
    expect(set(b, c)).toEqual([c])
    expect(receive(keyOfB, false)).toBe(b)
    forget(b)
    expect(differs(new Set([c]))).toBe(false)
  })

  it('never mistakes a message of an earlier subscription for one of a later, however late it arrives', () => {
    const random = seededRandom(27)
    for (let run = 0; run < 500; run++) exchange(random)
  })
})

/** A server of one stream: its set, and its messages in transit, in order. */
function exchange(random: () => number): void {
  const table = createKeyTable<Entry>(({ identity }) => identity)
  const running = new Map<string, { readonly entry: Entry; started: boolean }>()
  const sent: Array<{ readonly key: string; readonly entry: Entry; readonly isStart: boolean }> = []
  const some = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)]
  let wanted: Entry[] = []
  for (let revision = 1; revision < 60; revision++) {
    wanted = wanted.filter(() => random() < 0.7)
    if (random() < 0.7) wanted.push({ identity: some(['a', 'b', 'c']) ?? '' })
    table.update(new Set(wanted), revision)
    const set = new Map(table.entries())
    for (const key of running.keys()) if (!set.has(key)) running.delete(key)
    for (const [key, entry] of set)
      if (!running.has(key)) running.set(key, { entry, started: false })
    for (const [key, run] of running) {
      if (random() < 0.3) continue
      sent.push({ key, entry: run.entry, isStart: !run.started })
      run.started = true
    }
    for (let n = Math.floor(random() * 4); n > 0; n--) {
      const message = sent.shift()
      if (!message) continue
      const taken = table.receive(message.key, message.isStart)
      // Either the message's subscription is no longer wanted, or the table returned exactly that
      // one.
      const isWanted = [...table.entries()].some(([, entry]) => entry === message.entry)
      expect(taken).toBe(isWanted ? message.entry : undefined)
    }
  }
}
