/** Calls back once, soon: when the next frame is painted. Returns what cancels it. */
export type Frames = (callback: () => void) => () => void

/** How long a page that paints nothing is waited for, in milliseconds: a hidden one still has a title to keep. */
const unpaintedMs = 250
const withoutFramesMs = 16

/** The frames of the browser; a timer where there are none, or the page is hidden. */
export const browserFrames: Frames = (callback) => {
  const isPainted = typeof requestAnimationFrame === 'function'
  const timer = setTimeout(run, isPainted ? unpaintedMs : withoutFramesMs)
  const frame = isPainted ? requestAnimationFrame(run) : 0
  function cancel(): void {
    clearTimeout(timer)
    if (isPainted) cancelAnimationFrame(frame)
  }
  function run(): void {
    cancel()
    callback()
  }
  return cancel
}
