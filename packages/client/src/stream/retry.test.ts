import { expect, it, vi } from 'vitest'
import { fakeDevice } from '../../../../tests/support/fake-device.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { Retry } from './retry.ts'
import type { CheckedRetry } from './retry-policy.ts'

const error = new Error('cut')
const backoff = { baseMs: 100, maxMs: 1_000 }

function setup(policy: CheckedRetry = backoff) {
  const clock = manualClock({ random: 1 })
  const device = fakeDevice()
  const onElapsed = vi.fn()
  const retry = new Retry({ clock, device, policy, onElapsed })
  /** Reports a failure, and returns the time until the next attempt. */
  const fail = (askedWaitMs = 0): number | undefined => {
    expect(retry.failed(error, askedWaitMs)).toBeUndefined()
    return clock.timers()[0]
  }
  return { clock, device, retry, fail, onElapsed }
}

it('waits longer with every failure in a row', () => {
  const { fail } = setup()
  expect([fail(), fail(), fail()]).toEqual([100, 200, 400])
})

it('starts again from one after progress', () => {
  const { retry, fail } = setup()
  fail()
  fail()
  retry.progressed()
  expect([fail(), fail()]).toEqual([100, 200])
})

it('starts again from one after a start that lasted, and not after a short one', () => {
  const { clock, retry, fail } = setup()
  fail()
  retry.started()
  clock.advance(9_999)
  expect(fail()).toBe(200)
  retry.started()
  clock.advance(10_000)
  expect(fail()).toBe(100)
})

it('hands over without a failure', () => {
  const { clock, retry, fail, onElapsed } = setup()
  fail()
  retry.handOver()
  expect(clock.timers()).toEqual([100])
  clock.advance(100)
  expect(onElapsed).toHaveBeenCalledOnce()
  expect(fail()).toBe(100)
})

it('backs off from a server that hands over too often, whatever the policy', () => {
  const asked = vi.fn(() => false as const)
  for (const policy of [false, asked] as const) {
    const { clock, retry } = setup(policy)
    expect(retry.failed(undefined, 0)).toBeUndefined()
    expect(clock.timers()).toEqual([250])
  }
  expect(asked).not.toHaveBeenCalled()
})

// Found by the simulator: seed 174.
it('backs off no longer and longer from a server whose idle streams are short', () => {
  const { clock, retry } = setup()
  for (let stream = 0; stream < 5; stream++) {
    retry.started()
    clock.advance(1_000)
    retry.failed(undefined, 0)
    expect(clock.timers()).toEqual([100])
    clock.advance(100)
  }
})

it('ends with the error, or with what the function threw', () => {
  const bug = new Error('bug')
  expect(setup(false).retry.failed(error, 0)).toEqual({ error })
  expect(setup(() => false).retry.failed(error, 0)).toEqual({ error })
  const thrown = setup(() => {
    throw bug
  })
  expect(thrown.retry.failed(error, 0)).toEqual({ error: bug })
  expect(thrown.clock.timers()).toEqual([])
  expect(thrown.retry.isBackingOff()).toBe(false)
})

it('makes the next attempt sooner, but not before the server allows', () => {
  const { clock, retry, fail, onElapsed } = setup()
  expect(fail(5_000)).toBe(5_100)
  retry.hurry()
  expect(clock.timers()).toEqual([5_000])
  clock.advance(5_000)
  expect(onElapsed).toHaveBeenCalledOnce()
  expect(retry.isBackingOff()).toBe(false)
})

it('waits once more, as long as the policy can, while the device is offline', () => {
  const { clock, device, fail, onElapsed } = setup()
  device.setOffline(true)
  fail()
  clock.advance(100)
  expect(onElapsed).not.toHaveBeenCalled()
  expect(clock.timers()).toEqual([900])
  clock.advance(900)
  expect(onElapsed).toHaveBeenCalledOnce()
})

it('makes no attempt once stopped', () => {
  const { clock, retry, fail } = setup()
  fail()
  retry.stop()
  expect(clock.timers()).toEqual([])
  expect(retry.isBackingOff()).toBe(false)
})

it('pauses until it is hurried', () => {
  const { clock, retry, fail, onElapsed } = setup()
  fail()
  retry.pause()
  expect([clock.timers(), retry.isBackingOff()]).toEqual([[], true])
  retry.hurry()
  clock.advance(0)
  expect(onElapsed).toHaveBeenCalledOnce()
})

it('makes no attempt if the function has stopped it, whatever it returns or throws', () => {
  for (const decide of [() => 10, () => false as const, () => expect.fail()]) {
    const { clock, retry } = setup(() => {
      retry.stop()
      return decide()
    })
    retry.failed(error, 0)
    expect([clock.timers(), retry.isBackingOff()]).toEqual([[], false])
  }
})
