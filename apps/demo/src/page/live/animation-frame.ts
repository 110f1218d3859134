const callbacks = new Set<() => void>()
const followUps = new Set<() => void>()

/** Calls back with the next frame, once per frame: many events cause one rendering. */
export function nextFrame(callback: () => void): void {
  if (callbacks.size === 0) request()
  callbacks.add(callback)
}

/** Calls back once the document contains what the next frame shows. */
export function afterFrame(followUp: () => void): void {
  followUps.add(followUp)
  nextFrame(nothing)
}

function request(): void {
  // A hidden page has no frames.
  if (document.hidden) setTimeout(run, 200)
  else requestAnimationFrame(run)
}

// A frame requested before the page was hidden never comes.
document.addEventListener('visibilitychange', () => callbacks.size > 0 && request())

function run(): void {
  const now = [...callbacks]
  callbacks.clear()
  for (const callback of now) callback()
  // React renders store updates in a microtask; this one is queued behind it.
  queueMicrotask(() => {
    const then = [...followUps]
    followUps.clear()
    for (const followUp of then) followUp()
  })
}

function nothing(): void {}
