import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { range } from '../../../../tests/support/numbers.ts'
import { FailureMemory } from './failures.ts'

const retry = { baseMs: 500, maxMs: 30_000 }

beforeEach(() => void vi.spyOn(console, 'warn').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

function fail(failures: FailureMemory, identity: string): void {
  failures.of(identity, 'onText').failed(new Error(identity), false)
}

it.each([10, 100, 101, 150, 1_000])(
  'all of %i subscriptions that fail at once again wait',
  (count) => {
    const failures = new FailureMemory(manualClock(), retry)
    const identities = range(1, count).map((n) => `${n}`)
    for (const _round of range(1, 2)) for (const identity of identities) fail(failures, identity)
    expect(identities.filter((identity) => !failures.last(identity)?.waitMs)).toEqual([])
  },
)

it('a subscription with another identity each time waits, after a hundred of them', () => {
  const failures = new FailureMemory(manualClock(), retry)
  for (const n of range(1, 150)) fail(failures, `${n}`)
  expect(failures.last('150')?.waitMs).toBeGreaterThan(0)
  expect(console.warn).not.toHaveBeenCalled()
})

it("a few failures of others don't affect a subscription", () => {
  const failures = new FailureMemory(manualClock(), retry)
  for (const n of range(1, 50)) fail(failures, `${n}`)
  expect(failures.last('another')).toBeUndefined()
})
