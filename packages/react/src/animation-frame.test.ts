import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { browserFrames } from './animation-frame.ts'

beforeEach(
  () =>
    void vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'requestAnimationFrame', 'cancelAnimationFrame'],
    }),
)
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('browserFrames', () => {
  it('calls back once, with the next frame', () => {
    const callback = vi.fn()
    browserFrames(callback)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersToNextFrame()
    expect(callback).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(1_000)
    expect(callback).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['a hidden page paints no frames', () => 0, 250],
    ['the platform has no frames', undefined, 16],
  ])('calls back by a timer where %s', (_, requestAnimationFrame, afterMs) => {
    vi.stubGlobal('requestAnimationFrame', requestAnimationFrame)
    vi.stubGlobal('cancelAnimationFrame', () => {})
    const callback = vi.fn()
    browserFrames(callback)
    vi.advanceTimersByTime(afterMs - 1)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(callback).toHaveBeenCalledTimes(1)
  })

  it('does not call back once cancelled', () => {
    const callback = vi.fn()
    browserFrames(callback)()
    vi.advanceTimersByTime(1_000)
    expect(callback).not.toHaveBeenCalled()
  })
})
