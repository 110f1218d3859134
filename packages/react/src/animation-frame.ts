/** Schedules a callback for the next frame. Returns a function that cancels it. */
export type Frames = (callback: () => void) => () => void

/** Fallback for a page that paints nothing: a hidden page may still show state in its title. */
const hiddenPageMs = 250
const withoutFramesMs = 16

/**
 * Schedules with the browser's animation frames; with a timer if there are none or the page is
 * hidden.
 */
export const browserFrames: Frames = (callback) => {
  const hasFrames = typeof requestAnimationFrame === 'function'
  const timer = setTimeout(run, hasFrames ? hiddenPageMs : withoutFramesMs)
  const frame = hasFrames ? requestAnimationFrame(run) : 0
  function cancel(): void {
    clearTimeout(timer)
    if (hasFrames) cancelAnimationFrame(frame)
  }
  function run(): void {
    cancel()
    callback()
  }
  return cancel
}
