import { expect, it } from 'vitest'
import { createRandomIds } from './random-ids.ts'

it('makes ids that all differ, also beyond what is made at a time', () => {
  const randomId = createRandomIds(16)
  const ids = Array.from({ length: 1_000 }, randomId)
  expect(new Set(ids).size).toBe(1_000)
  for (const id of ids) expect(id).toMatch(/^[\da-f]{32}$/)
})
