import { expect, it } from 'vitest'
import { soak } from './soak.ts'

it('keeps every promise for some seconds of a soak on a Redis that fails', async () => {
  const report = await soak({ store: 'durable', seed: 1, durationMs: 8_000, quietMs: 8_000 })
  expect(report.violations).toEqual([])
  expect(report.published).toBeGreaterThan(100)
  expect(report.faults.size).toBeGreaterThan(2)
}, 120_000)
