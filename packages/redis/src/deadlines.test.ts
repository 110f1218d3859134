import type { Clock } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { createDeadlines } from './deadlines.ts'

/** A clock with its timers in the open. */
function createTestClock() {
  const timers = new Map<() => void, number>()
  let nowMs = 1_000
  const clock: Clock = {
    now: () => nowMs,
    random: () => 0,
    after(delayMs, callback) {
      const fire = (): void => callback()
      timers.set(fire, nowMs + delayMs)
      return () => void timers.delete(fire)
    },
  }
  return {
    clock,
    timers: () => [...timers.values()],
    /** Goes on to a time, and fires the timers on the way. */
    goTo(atMs: number): void {
      for (;;) {
        const [next] = [...timers].sort(([, a], [, b]) => a - b)
        if (next === undefined || next[1] > atMs) break
        timers.delete(next[0])
        nowMs = next[1]
        next[0]()
      }
      nowMs = atMs
    },
  }
}

describe('deadlines', () => {
  it('call back at their times, whatever the order in which they were added', () => {
    const { clock, goTo } = createTestClock()
    const deadlines = createDeadlines(clock)
    const calls: Array<readonly [string, number]> = []
    for (const [name, atMs] of [
      ['c', 3_000],
      ['a', 1_500],
      ['b', 2_000],
      ['b2', 2_000],
    ] as const)
      deadlines.add(atMs, () => calls.push([name, clock.now()]))
    goTo(1_499)
    expect(calls).toEqual([])
    goTo(9_000)
    expect(calls).toEqual([
      ['a', 1_500],
      ['b', 2_000],
      ['b2', 2_000],
      ['c', 3_000],
    ])
  })

  it('have one timer for all, and none when all are over', () => {
    const { clock, timers, goTo } = createTestClock()
    const deadlines = createDeadlines(clock)
    const undo = Array.from({ length: 100 }, (_, i) => deadlines.add(2_000 + i, () => {}))
    expect(timers()).toEqual([2_000])
    for (const each of undo.slice(0, 99)) each()
    goTo(2_000)
    expect(timers()).toEqual([2_099])
    goTo(2_099)
    expect(timers()).toEqual([])
  })

  it('do not call back once they are undone, or twice', () => {
    const { clock, goTo } = createTestClock()
    const deadlines = createDeadlines(clock)
    let calls = 0
    deadlines.add(1_100, () => calls++)()
    const undo = deadlines.add(1_200, () => calls++)
    goTo(5_000)
    undo()
    goTo(9_000)
    expect(calls).toBe(1)
  })

  it('may be added, and undone, by what is called back', () => {
    const { clock, goTo } = createTestClock()
    const deadlines = createDeadlines(clock)
    const calls: string[] = []
    deadlines.add(1_100, () => {
      calls.push('first')
      deadlines.add(1_050, () => calls.push('already over'))
      undo()
    })
    const undo = deadlines.add(1_200, () => calls.push('undone'))
    goTo(9_000)
    expect(calls).toEqual(['first', 'already over'])
  })
})
