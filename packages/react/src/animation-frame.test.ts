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

describe('frames of the browser', () => {
  it('call back at the next one, once', () => {
    const callback = vi.fn()
    browserFrames(callback)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersToNextFrame()
    expect(callback).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(1_000)
    expect(callback).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['are not painted, as in a hidden page', () => 0, 250],
    ['are not there at all', undefined, 16],
  ])('call back by a timer where they %s', (_, requestAnimationFrame, afterMs) => {
    vi.stubGlobal('requestAnimationFrame', requestAnimationFrame)
    vi.stubGlobal('cancelAnimationFrame', () => {})
    const callback = vi.fn()
    browserFrames(callback)
    vi.advanceTimersByTime(afterMs - 1)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(callback).toHaveBeenCalledTimes(1)
  })

  it('do not call back once they are cancelled', () => {
    const callback = vi.fn()
    browserFrames(callback)()
    vi.advanceTimersByTime(1_000)
    expect(callback).not.toHaveBeenCalled()
  })
})
