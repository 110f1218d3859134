import { describe, expect, it, vi } from 'vitest'
import { manualClock } from '../../../tests/support/manual-clock.ts'
import { elapsedTime, fullJitterMs, systemClock, wait } from './clock.ts'

describe('wait', () => {
  it('resolves after the delay', async () => {
    const clock = manualClock()
    const waited = wait(clock, 1_000)
    expect(clock.timers()).toEqual([1_000])
    clock.advance(1_000)
    await waited
  })

  it('resolves at once when the signal aborts, and cancels the timer', async () => {
    const clock = manualClock()
    const abort = new AbortController()
    const waited = wait(clock, 1_000, abort.signal)
    abort.abort()
    await waited
    await wait(clock, 1_000, abort.signal)
    expect(clock.timers()).toEqual([])
  })

  it('leaves no listener on the signal', async () => {
    const clock = manualClock()
    const { signal } = new AbortController()
    const remove = vi.spyOn(signal, 'removeEventListener')
    const waited = wait(clock, 1_000, signal)
    clock.advance(1_000)
    await waited
    expect(remove).toHaveBeenCalledOnce()
  })
})

describe('fullJitterMs', () => {
  it('doubles with every attempt, up to the maximum', () => {
    const clock = manualClock({ random: 0.5 })
    expect([0, 1, 2, 3, 99].map((attempt) => fullJitterMs(clock, attempt, 250, 1_500))).toEqual([
      125, 250, 500, 750, 750,
    ])
  })
})

describe('systemClock', () => {
  it('calls back once, unless canceled', () => {
    vi.useFakeTimers()
    const called: string[] = []
    systemClock.after(10, () => called.push('kept'))
    systemClock.after(10, () => called.push('undone'))()
    vi.advanceTimersByTime(1_000)
    vi.useRealTimers()
    expect(called).toEqual(['kept'])
  })

  it('uses the runtime’s time and randomness', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000)
    expect(systemClock.random()).toBeLessThan(1)
  })
})

describe('elapsedTime', () => {
  it('ignores the time of day if the clock is monotonic', () => {
    let monotonicMs = 5
    const clock = { ...manualClock(), now: () => -1_000, monotonicMs: () => monotonicMs }
    const elapsedMs = elapsedTime(clock)
    const startMs = elapsedMs()
    monotonicMs += 70
    expect(elapsedMs() - startMs).toBe(70)
  })

  it('counts a step back of the time of day as no time, and a step forward in full', () => {
    const clock = manualClock()
    const elapsedMs = elapsedTime(clock)
    const readings = [1_000, -3_600_000, 500, 10_000].map((stepMs) => {
      clock.jumpTo(clock.now() + stepMs)
      return elapsedMs()
    })
    expect(readings).toEqual([1_000, 1_000, 1_500, 11_500])
  })

  it('never goes back with the system clock', () => {
    const elapsedMs = elapsedTime(systemClock)
    const readings = Array.from({ length: 100 }, elapsedMs)
    expect(readings).toEqual([...readings].sort((a, b) => a - b))
  })
})

it('a system timer with a delay above the runtime’s maximum does not fire at once', () => {
  vi.useFakeTimers()
  try {
    const callback = vi.fn()
    for (const delayMs of [2 ** 31, Infinity]) systemClock.after(delayMs, callback)
    vi.advanceTimersByTime(1_000_000)
    expect(callback).not.toHaveBeenCalled()
  } finally {
    vi.useRealTimers()
  }
})
