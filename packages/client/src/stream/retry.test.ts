import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import {
  defaultRetryPolicy,
  isRetryableStatus,
  parseRetryAfterMs,
  reconnectDelayMs,
} from './retry.ts'

describe('reconnectDelayMs', () => {
  it.each([
    [1, 250],
    [2, 500],
    [3, 1_000],
    [7, 16_000],
    [8, 30_000],
    [1_000, 30_000],
  ])('waits, after %i failures, up to %i ms', (failures, longestMs) => {
    const delay = (random: number): number =>
      reconnectDelayMs(manualClock({ random }), defaultRetryPolicy, { failures, askedWaitMs: 0 })
    expect([delay(0), delay(0.5), delay(1)]).toEqual([0, longestMs / 2, longestMs])
  })

  it('spreads what the server asked for, upwards', () => {
    const delay = (random: number): number =>
      reconnectDelayMs(manualClock({ random }), defaultRetryPolicy, {
        failures: 2,
        askedWaitMs: 10_000,
      })
    expect([delay(0), delay(1)]).toEqual([10_000, 10_500])
  })

  it('moves on at once when it was asked to, but for a small spread', () => {
    const delay = (random: number): number =>
      reconnectDelayMs(manualClock({ random }), defaultRetryPolicy, { failures: 0, askedWaitMs: 0 })
    expect([delay(0), delay(1)]).toEqual([0, 100])
  })
})

describe('parseRetryAfterMs', () => {
  const now = Date.UTC(2026, 0, 1)
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', 0],
    ['', 0],
    [null, 0],
  ])('reads %j as %i ms', (header, ms) => {
    expect(parseRetryAfterMs(header, now)).toBe(ms)
  })
})

describe('isRetryableStatus', () => {
  it.each([408, 425, 429, 500, 502, 503, 504, 599])('tries again after %i', (status) => {
    expect(isRetryableStatus(status)).toBe(true)
  })
  it.each([400, 401, 403, 404, 405, 409, 410, 413, 414, 426, 431])(
    'does not after %i',
    (status) => {
      expect(isRetryableStatus(status)).toBe(false)
    },
  )
})
