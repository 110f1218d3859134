import { describe, expect, it } from 'vitest'
import { keyedReducers } from './keyed-reducers.ts'

const entry = (key: string, value: number) => ({ key, value })
const { reduce, snapshot } = keyedReducers({ key: (item) => (item as { key: string }).key })
const apply = (items: readonly unknown[], event: unknown) => reduce(items, event, { id: '1-0' })

describe('a list with keys', () => {
  it('takes each event as a version of an item', () => {
    const items = snapshot([entry('ann', 1), entry('bob', 2)])
    expect(apply(items, { type: 'set', ...entry('ann', 3) })).toEqual([
      { type: 'set', key: 'ann', value: 3 },
      entry('bob', 2),
    ])
  })

  it('drops the entry that a state channel removes', () => {
    const items = snapshot([entry('ann', 1), entry('__proto__', 2)])
    const left = apply(items, { type: 'removed', key: '__proto__' })
    expect(left).toEqual([entry('ann', 1)])
    expect(apply(left, { type: 'removed', key: '__proto__' })).toBe(left)
  })

  it('takes an event with more in it as an item, whatever its type', () => {
    const item = { type: 'removed', key: 'ann', by: 'bob' }
    expect(apply([entry('ann', 1)], item)).toEqual([item])
  })
})
