import { describe, expect, it } from 'vitest'
import { faultNames, runSchedule, schedule } from './faults.ts'

const threeMinutes = 180_000

describe('the schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(schedule(1, threeMinutes)).toEqual(schedule(1, threeMinutes))
    expect(schedule(2, threeMinutes)).not.toEqual(schedule(1, threeMinutes))
  })

  it('has each fault as often as any other', () => {
    for (let seed = 0; seed < 100; seed++) {
      const faults = schedule(seed, threeMinutes)
      const counts = faultNames.map((name) => faults.filter((fault) => fault.name === name).length)
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(4)
    }
  })

  it('causes one fault after another, in order', async () => {
    const faults = schedule(1, 20_000).map((fault) => ({ ...fault, atMs: 0 }))
    const seen: unknown[] = []
    let happening = 0
    await runSchedule(faults, async (fault) => {
      expect(++happening).toBe(1)
      await Promise.resolve()
      happening -= 1
      seen.push(fault)
    })
    expect(seen).toEqual(faults)
  })
})
