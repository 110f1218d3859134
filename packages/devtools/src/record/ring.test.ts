import { expect, it } from 'vitest'
import { Ring } from './ring.ts'

it('keeps the newest items, newest first', () => {
  const ring = new Ring<number>(3)
  expect([...ring.newestFirst()]).toEqual([])
  for (const [item, expected] of [
    [1, [1]],
    [2, [2, 1]],
    [3, [3, 2, 1]],
    [4, [4, 3, 2]],
    [5, [5, 4, 3]],
  ] as const) {
    ring.push(item)
    expect([...ring.newestFirst()]).toEqual(expected)
    expect(ring.size).toBe(expected.length)
  }
  ring.clear()
  ring.push(6)
  expect([...ring.newestFirst()]).toEqual([6])
})
