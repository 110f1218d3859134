import { describe, expect, it } from 'vitest'
import { createKeyTable } from './keys.ts'

interface Entry {
  readonly identity: string
}

function setup() {
  return createKeyTable<Entry>(({ identity }) => identity)
}

describe('a key table', () => {
  it('P47: has keys that any server takes, equal for equal subscriptions of different clients', () => {
    const keys = ['a', 'ü/ü {"x":1}', ''].map((identity) => {
      const [one, other] = [setup(), setup()]
      one.update(new Set([{ identity }]))
      other.update(new Set([{ identity: 'before' }]))
      other.update(new Set([{ identity }]))
      expect([...one.keys.keys()]).toEqual([...other.keys.keys()])
      return [...one.keys.keys()][0]
    })
    for (const key of keys) expect(key).toMatch(/^[\w-]{1,64}$/)
    expect(new Set(keys).size).toBe(3)
  })

  it('P47: has a key of its own for each, whatever the hashes are', () => {
    const table = createKeyTable<Entry>(() => 'collides')
    const all = [{ identity: 'a' }, { identity: 'b' }, { identity: 'c' }]
    expect(table.update(new Set(all))).toEqual(all)
    expect([...table.keys.values()]).toEqual(all)
    expect([...table.keys.keys()].map((key) => table.get(key))).toEqual(all)
  })

  it('P58: never gives a key again on the same stream', () => {
    const table = setup()
    const entry = { identity: 'a' }
    const seen = [1, 2, 3].map(() => {
      table.update(new Set([entry]))
      const [key = ''] = table.keys.keys()
      table.forget(entry)
      expect(table.get(key)).toBeUndefined()
      return key
    })
    expect(new Set(seen).size).toBe(3)
  })

  it('keeps the keys of those that stay, and knows what is new', () => {
    const table = setup()
    const [a, b, c] = [{ identity: 'a' }, { identity: 'b' }, { identity: 'c' }]
    table.update(new Set([a, b]))
    const keyOfB = [...table.keys].find(([, entry]) => entry === b)?.[0] ?? ''
    expect(table.differs(new Set([b, a]))).toBe(false)
    expect(table.differs(new Set([b]))).toBe(true)
    expect(table.differs(new Set([b, c]))).toBe(true)
    expect(table.update(new Set([b, c]))).toEqual([c])
    expect(table.get(keyOfB)).toBe(b)
    table.forget(b)
    expect(table.differs(new Set([c]))).toBe(false)
  })
})
