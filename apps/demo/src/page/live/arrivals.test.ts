import { expect, it } from 'vitest'
import { createArrivals } from './arrivals.ts'

it('distinguishes a repeated event from a new one', () => {
  const arrivals = createArrivals()
  const noted = ['1-0', '2-0', '1-0'].map((id) => arrivals.note(id))
  expect(noted).toEqual([true, true, false])
})

it('counts events that are in the log but never arrived', () => {
  const arrivals = createArrivals()
  for (const id of ['1-0', '2-0', '5-0']) arrivals.note(id)
  expect(arrivals.countMissing(['2-0', '3-0', '4-0', '5-0'])).toBe(2)
})

it('continues where the last comparison ended', () => {
  const arrivals = createArrivals()
  expect(arrivals.comparedTo).toBeUndefined()
  arrivals.note('1-0')
  arrivals.note('2-0')
  expect(arrivals.comparedTo).toBe('1-0')
  arrivals.countMissing(['2-0'])
  expect(arrivals.comparedTo).toBe('2-0')
  arrivals.countMissing([])
  expect(arrivals.comparedTo).toBe('2-0')
})

it('waits for an event in transit', async () => {
  const arrivals = createArrivals()
  const arrival = arrivals.arrival('1-0', 60_000)
  arrivals.note('1-0')
  await arrival
})
