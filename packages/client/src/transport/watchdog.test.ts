import { expect, it, vi } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { createWatchdog } from './watchdog.ts'

function setup(limitMs: number) {
  const clock = manualClock()
  const onSilence = vi.fn<(limitMs: number) => void>()
  const watchdog = createWatchdog(clock, onSilence)
  watchdog.watch(limitMs)
  return { clock, onSilence, watchdog }
}

it('fires once when the limit is over', () => {
  const { clock, onSilence } = setup(1_000)
  clock.advance(999)
  expect(onSilence).not.toHaveBeenCalled()
  clock.advance(5_000)
  expect(onSilence.mock.calls).toEqual([[1_000]])
})

it('keeps one timer however often it is touched', () => {
  const { clock, onSilence, watchdog } = setup(1_000)
  for (let i = 0; i < 10; i++) {
    clock.advance(900)
    watchdog.touch()
    expect(clock.timers()).toHaveLength(1)
  }
  expect(onSilence).not.toHaveBeenCalled()
  clock.advance(1_000)
  expect(onSilence).toHaveBeenCalledOnce()
})

it('fires at once after a sleep in which timers were suspended', () => {
  const { clock, onSilence, watchdog } = setup(10_000)
  watchdog.touch()
  const [left = 0] = clock.timers()
  clock.jumpTo(clock.now() + 3_600_000)
  clock.advance(left - left)
  expect(onSilence).toHaveBeenCalledOnce()
})

it('waits no longer than the limit when the clock is set back', () => {
  const { clock, onSilence } = setup(1_000)
  clock.jumpTo(clock.now() - 86_400_000)
  clock.advance(86_400_000 + 1_000)
  expect(onSilence).toHaveBeenCalledOnce()
})

it('can be given a new limit, and be stopped', () => {
  const { clock, onSilence, watchdog } = setup(1_000)
  watchdog.watch(5_000)
  clock.advance(4_999)
  expect(onSilence).not.toHaveBeenCalled()
  watchdog.stop()
  clock.advance(60_000)
  expect(onSilence).not.toHaveBeenCalled()
  expect(clock.timers()).toEqual([])
})

it('never fires without a limit, and accepts one that exceeds the range of timers', () => {
  const { clock, onSilence, watchdog } = setup(Number.POSITIVE_INFINITY)
  expect(clock.timers()).toEqual([])
  watchdog.watch(10_000_000_000)
  clock.advance(9_999_999_999)
  expect(onSilence).not.toHaveBeenCalled()
  clock.advance(1)
  expect(onSilence).toHaveBeenCalledOnce()
})

it('fires in time even if the clock is set back', () => {
  const clock = manualClock()
  let setByMs = 0
  const onSilence = vi.fn<(limitMs: number) => void>()
  const watchdog = createWatchdog({ ...clock, now: () => clock.now() + setByMs }, onSilence)
  watchdog.watch(10_000)
  clock.advance(4_000)
  setByMs = -3_600_000
  clock.advance(16_000)
  expect(onSilence).toHaveBeenCalledOnce()
})
