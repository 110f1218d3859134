import { runInNewContext } from 'node:vm'
import { RealtimeError } from '@trpc-sse/protocol'
import { describe, expect, it, vi } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import {
  type CheckedRetry,
  checkRetry,
  defaultRetryPolicy,
  isRetryableStatus,
  parseRetryAfterMs,
  type RetryOption,
  retryDelayMs,
  spreadMs,
} from './retry-policy.ts'

const error = new Error('cut')

/** The shortest, the median and the longest wait. */
function delays(policy: CheckedRetry, attempt: number, askedWaitMs = 0) {
  return [0, 0.5, 1].map((random) =>
    retryDelayMs(manualClock({ random }), policy, attempt, error, askedWaitMs),
  )
}

describe('a back-off', () => {
  it.each([
    [1, 250],
    [2, 500],
    [3, 1_000],
    [7, 16_000],
    [8, 30_000],
    [1_000, 30_000],
  ])('waits, after %i failures, up to %i ms', (failures, longestMs) => {
    expect(delays(defaultRetryPolicy, failures)).toEqual([0, longestMs / 2, longestMs])
  })

  it('is added to the wait that the server requested', () => {
    expect(delays(defaultRetryPolicy, 2, 10_000)).toEqual([10_000, 10_250, 10_500])
  })
})

describe('a retry function', () => {
  it('gets the attempt and the error, and decides', () => {
    const retry = vi.fn((attempt: number) => attempt * 10)
    expect(delays(retry, 3)).toEqual([30, 30, 30])
    expect(retry.mock.calls[0]).toEqual([3, error])
    expect(delays(() => false, 1)).toEqual([false, false, false])
    expect(delays(() => 0, 1)).toEqual([0, 0, 0])
    expect(delays(() => Infinity, 1)).toEqual([Infinity, Infinity, Infinity])
  })

  it('waits at least as long as the server requested, and a little longer', () => {
    expect(delays(() => 50, 1, 10_000)).toEqual([10_000, 10_050, 10_100])
    expect(delays(() => 20_000, 1, 10_000)).toEqual([20_000, 20_000, 20_000])
  })

  it.each([
    ['NaN', Number.NaN],
    ['a negative number', -1],
    ['undefined', undefined],
    ['true', true],
    ['a text', '100'],
    ['an object', {}],
    ['a symbol', Symbol('wait')],
  ])('that returns %s is an invalid option', (_what, value) => {
    expect(() => delays(() => value as never, 1)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })

  it('that is async is an invalid option, and its rejection is handled', () => {
    const retry = async (): Promise<number> => {
      throw new Error('later')
    }
    expect(() => delays(retry as never, 1)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })

  it('that returns a promise of another window is an invalid option, and its rejection is handled', () => {
    const retry = (): number => runInNewContext('Promise.reject(new Error("later"))')
    expect(() => delays(retry, 1)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  it('that throws passes its error on', () => {
    const bug = new RealtimeError('CLOSED', 'bug')
    const retry = (): never => {
      throw bug
    }
    expect(() => delays(retry, 1)).toThrow(bug)
  })
})

describe('a retry option', () => {
  it.each([
    [undefined, { baseMs: 250, maxMs: 30_000 }],
    [{}, { baseMs: 250, maxMs: 30_000 }],
    [{ maxMs: 5 }, { baseMs: 250, maxMs: 5 }],
    [
      { baseMs: 1, maxMs: Infinity },
      { baseMs: 1, maxMs: Infinity },
    ],
    [false, false],
  ])('%j is %j', (option, policy) => {
    expect(checkRetry(option as RetryOption | undefined)).toEqual(policy)
  })

  it.each([
    true,
    null,
    0,
    5,
    'no',
    { baseMs: 0 },
    { maxMs: -5 },
    { baseMs: Number.NaN },
    { maxMs: '5s' },
  ])('%j is refused', (option) => {
    expect(() => checkRetry(option as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})

it('clients are kept apart by a small spread', () => {
  const delay = (random: number): number => spreadMs(manualClock({ random }))
  expect([delay(0), delay(1)]).toEqual([0, 100])
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
  it.each([408, 425, 429, 500, 502, 503, 504, 599])('retries after %i', (status) => {
    expect(isRetryableStatus(status)).toBe(true)
  })
  it.each([400, 401, 403, 404, 405, 409, 410, 413, 414, 426, 431])(
    'does not after %i',
    (status) => {
      expect(isRetryableStatus(status)).toBe(false)
    },
  )
})
