import type { Clock } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { createDeadlines } from './deadlines.ts'

/** A clock with its timers in the open. */
function createTestClock() {
  const timers = new Map<() => void, number>()
  let nowMs = 1_000
  let fired = 0
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
    fired: () => fired,
    /** Sets the clock; timers fire as long after as before. */
    jump(ms: number): void {
      nowMs += ms
      for (const [fire, atMs] of timers) timers.set(fire, atMs + ms)
    },
    /** Goes on to a time, and fires the timers on the way. */
    goTo(atMs: number): void {
      for (;;) {
        const [next] = [...timers].sort(([, a], [, b]) => a - b)
        if (next === undefined || next[1] > atMs) break
        timers.delete(next[0])
        nowMs = next[1]
        fired += 1
        next[0]()
      }
      nowMs = atMs
    },
  }
}

describe('deadlines', () => {
  it('call back after their times, whatever the order in which they were added', () => {
    const { clock, goTo } = createTestClock()
    const deadlines = createDeadlines(clock)
    const calls: string[] = []
    const delays = [
      ['c', 2_000],
      ['a', 500],
      ['b', 1_000],
      ['b2', 1_000],
    ] as const
    for (const [name, delayMs] of delays) deadlines.add(delayMs, () => calls.push(name))
    goTo(1_499)
    expect(calls).toEqual([])
    goTo(1_525)
    expect(calls).toEqual(['a'])
    goTo(9_000)
    expect(calls).toEqual(['a', 'b', 'b2', 'c'])
  })

  it('have one timer for all, no more than forty in a second, and none when all are over', () => {
    const { clock, timers, goTo, fired } = createTestClock()
    const deadlines = createDeadlines(clock)
    const undo = Array.from({ length: 1_000 }, (_, i) => deadlines.add(1_000 + i, () => {}))
    expect(timers()).toHaveLength(1)
    for (const each of undo.slice(0, 500)) each()
    goTo(4_000)
    expect(timers()).toEqual([])
    expect(fired()).toBeLessThanOrEqual(42)
  })

  it('do not call back once they are undone, or twice', () => {
    const { clock, goTo } = createTestClock()
    const deadlines = createDeadlines(clock)
    let calls = 0
    deadlines.add(100, () => calls++)()
    const undo = deadlines.add(200, () => calls++)
    goTo(5_000)
    undo()
    goTo(9_000)
    expect(calls).toBe(1)
  })

  it('may be added, and undone, by what is called back', () => {
    const { clock, goTo } = createTestClock()
    const deadlines = createDeadlines(clock)
    const calls: string[] = []
    deadlines.add(100, () => {
      calls.push('first')
      deadlines.add(0, () => calls.push('at once'))
      undo()
    })
    const undo = deadlines.add(200, () => calls.push('undone'))
    goTo(9_000)
    expect(calls).toEqual(['first', 'at once'])
  })

  it.each([-3_600_000, 3_600_000])(
    'come after their time though the clock is set by %i ms',
    (jumpMs) => {
      const { clock, goTo, jump } = createTestClock()
      const deadlines = createDeadlines(clock)
      const calls: string[] = []
      deadlines.add(200, () => calls.push('before'))
      jump(jumpMs)
      deadlines.add(300, () => calls.push('after'))
      goTo(1_000 + jumpMs + 600)
      expect(calls).toEqual(['before', 'after'])
    },
  )
})
