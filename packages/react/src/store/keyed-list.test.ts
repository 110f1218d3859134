import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyedList } from './keyed-list.ts'

interface Item {
  readonly id: number
  readonly rank: number
  readonly version: number
}

const key = ({ id }: Item): number => id
const order = (a: Item, b: Item): number => a.rank - b.rank
const ids = (list: readonly Item[]): number[] => list.map(({ id }) => id)
const item = (id: number, rank = 0, version = 0): Item => ({ id, rank, version })

describe('a keyed list', () => {
  it('appends new items, and replaces known ones in place', () => {
    const { upsert } = keyedList({ key })
    const list = [item(1), item(2)]
    expect(upsert(list, item(3))).toEqual([item(1), item(2), item(3)])
    expect(upsert(list, item(1, 9))).toEqual([item(1, 9), item(2)])
    expect(list).toEqual([item(1), item(2)])
  })

  it('keeps items ordered, and equal ones in order of arrival', () => {
    const { from, upsert } = keyedList({ key, order })
    const list = from([item(1, 5), item(2, 1), item(3, 5)])
    expect(ids(list)).toEqual([2, 1, 3])
    expect(ids(upsert(list, item(4, 5)))).toEqual([2, 1, 3, 4])
    expect(ids(upsert(list, item(4, 0)))).toEqual([4, 2, 1, 3])
    expect(ids(upsert(list, item(3, 0)))).toEqual([3, 2, 1])
    expect(ids(upsert(list, item(1, 5, 2)))).toEqual([2, 1, 3])
  })

  it('removes an item, and returns the same list if there is none', () => {
    const { remove } = keyedList({ key })
    const list = [item(1), item(2)]
    expect(remove(list, 1)).toEqual([item(2)])
    expect(remove(list, 7)).toBe(list)
  })

  it('has the newest item of each key, in order, after any changes', () => {
    const change = fc.oneof(
      fc.record({ id: fc.nat(8), rank: fc.nat(4), version: fc.nat() }),
      fc.nat(8).map((removed) => ({ removed })),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.boolean(), (changes, isOrdered) => {
        const list = keyedList<Item>({ key, ...(isOrdered && { order }) })
        const expected = new Map<number, Item>()
        let items: readonly Item[] = list.from([])
        for (const one of changes) {
          const before = [...items]
          const given = items
          if ('removed' in one) {
            expected.delete(one.removed)
            items = list.remove(items, one.removed)
          } else {
            expected.set(one.id, one)
            items = list.upsert(items, one)
          }
          expect(given).toEqual(before)
        }
        expect(new Map(items.map((one) => [one.id, one]))).toEqual(expected)
        expect(items).toHaveLength(expected.size)
        if (isOrdered) expect([...items].sort(order)).toEqual(items)
      }),
    )
  })
})
