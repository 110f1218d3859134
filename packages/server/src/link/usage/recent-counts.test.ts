import { expect, it } from 'vitest'
import { RecentCounts } from './recent-counts.ts'

function setup() {
  let nowMs = 0
  const counts = new RecentCounts(() => nowMs)
  const add = (key: string, times: number): void => {
    for (let i = 0; i < times; i++) counts.add(key)
  }
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { counts, add, pass }
}

it('counts the last minute, and forgets what is older', () => {
  const { counts, add, pass } = setup()
  add('a', 60)
  add('b', 1)
  pass(59_000)
  expect([counts.count('a'), counts.count('b'), counts.count('c')]).toEqual([60, 1, 0])
  pass(31_000)
  expect(counts.count('a')).toBe(30)
  add('a', 5)
  expect(counts.count('a')).toBe(35)
  pass(30_000)
  expect(counts.count('a')).toBe(5)
  pass(600_000)
  expect(counts.count('a')).toBe(0)
})

it('keeps a bounded number of keys, and a bounded part of each', () => {
  const { counts, add } = setup()
  add('first', 3)
  for (let i = 0; i < 99_999; i++) counts.add(`key ${i}`)
  expect(counts.count('first')).toBe(3)
  for (let i = 0; i < 100_000; i++) counts.add(`other ${i}`)
  expect(counts.count('first')).toBe(0)
  add('k'.repeat(1_000_000), 1)
  expect(counts.count('k'.repeat(200))).toBe(1)
})
