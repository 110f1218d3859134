import { expect, it } from 'vitest'
import { median, medians, percentile } from './stats.ts'

it('takes the middle value, whatever the order and the sign', () => {
  expect(median([30, 1, 2])).toBe(2)
  expect(median([-5, -1, -3])).toBe(-3)
  expect(median([7])).toBe(7)
})

it('takes the mean of the middle two values of an even count', () => {
  expect(median([4, 1, 100, 2])).toBe(3)
})

it('has no median without values', () => {
  expect(median([])).toBeNaN()
})

it('takes the smallest value that enough values do not exceed', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i)
  expect(percentile(values, 0.5)).toBe(50)
  expect(percentile(values, 0.99)).toBe(99)
  expect(percentile(values, 1)).toBe(100)
  expect(percentile([3], 0.01)).toBe(3)
})

it('takes the median of each figure by itself', () => {
  const rounds = [
    { a: 1, b: 30 },
    { a: 3, b: 10 },
    { a: 2, b: 20 },
  ]
  expect(medians(rounds)).toEqual({ a: 2, b: 20 })
  expect(medians([])).toEqual({})
})
