import { expect, it } from 'vitest'
import { isNewAfter, parsePositions, storedAtMs } from './order.ts'

const parse = (id: string) => parsePositions(id) ?? new Map<string, string>()

it.each([
  ['5-0', '5-1', true],
  ['5-9', '5-10', true],
  ['5-1', '5-1', false],
  ['5-1', '4-9', false],
  ['a=5-0,b=5-0', 'a=5-0,b=6-0', true],
  ['a=5-0,b=5-0', 'a=5-0,b=5-0', false],
  ['a=5-0,b=5-0', 'a=6-0,b=4-0', false],
  ['a=5-0', 'a=5-0,b=1-0', true],
])('after %s, %s is new: %s', (before, event, isNew) => {
  expect(isNewAfter(parse(before), parse(event))).toBe(isNew)
})

it('knows when the newest event was stored, and ids that are not of a channel', () => {
  expect(storedAtMs(parse('a=5-0,b=7-1'))).toBe(7)
  for (const id of ['', 'row-17', 'a=', 'x'.repeat(10_000)])
    expect(parsePositions(id)).toBeUndefined()
})
