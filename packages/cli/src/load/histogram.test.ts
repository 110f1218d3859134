import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Histogram } from './histogram.ts'

it('has percentiles that are exact to five percent and a millisecond', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1 }), (values) => {
      const histogram = new Histogram()
      for (const value of values) histogram.add(value)
      const sorted = values.toSorted((a, b) => a - b)
      for (const part of [0.01, 0.5, 0.99, 1]) {
        const exact = sorted[Math.ceil(sorted.length * part) - 1] ?? 0
        const found = histogram.percentileMs(part)
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.05 * exact + 1)
      }
      expect(histogram.maxMs).toBe(sorted.at(-1))
    }),
  )
})

it('is 0 without durations, and counts those below 0 as 0, and any that is long', () => {
  const histogram = new Histogram()
  expect([histogram.percentileMs(0.5), histogram.maxMs]).toEqual([0, 0])
  histogram.add(-5)
  expect(histogram.percentileMs(1)).toBe(0)
  histogram.add(1e15)
  expect(histogram.percentileMs(0.5)).toBe(0)
  expect(histogram.count).toBe(2)
  histogram.clear()
  expect([histogram.count, histogram.maxMs]).toEqual([0, 0])
})
