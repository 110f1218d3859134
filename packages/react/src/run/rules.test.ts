import { expect, it } from 'vitest'
import { range } from '../../../../tests/support/numbers.ts'
import { type DeltaList, listRules } from './rules.ts'

const itemsOf = ({ shared, length }: DeltaList): unknown[] => shared.slice(0, length)

it('a list of many deltas is not copied for each of them', () => {
  const first = listRules.delta(undefined, 1)
  let last = first
  for (const n of range(2, 1_000)) last = listRules.delta(last, n)
  expect(last.shared).toBe(first.shared)
  expect(itemsOf(first)).toEqual([1])
  expect(itemsOf(last)).toEqual(range(1, 1_000))
})

it('two lists that continue the same one do not share their deltas', () => {
  const start = listRules.delta(undefined, 'a')
  const one = listRules.delta(start, 'b')
  const other = listRules.delta(start, 'c')
  expect([start, one, other].map(itemsOf)).toEqual([['a'], ['a', 'b'], ['a', 'c']])
  expect(itemsOf(listRules.delta(undefined, 'd'))).toEqual(['d'])
})
