const duties = new Set<() => void>()
const followUps = new Set<() => void>()

/** Does something in the next frame, once however often it is asked for: many events make one rendering. */
export function nextFrame(duty: () => void): void {
  if (duties.size === 0) request()
  duties.add(duty)
}

/** Does something when what the next frame shows is in the document. */
export function afterFrame(followUp: () => void): void {
  followUps.add(followUp)
  nextFrame(nothing)
}

function request(): void {
  // A hidden page has no frames.
  if (document.hidden) setTimeout(run, 200)
  else requestAnimationFrame(run)
}

// A frame that was asked for before the page was hidden is not coming.
document.addEventListener('visibilitychange', () => duties.size > 0 && request())

function run(): void {
  const now = [...duties]
  duties.clear()
  for (const duty of now) duty()
  // React renders what a store told it in a microtask, and this one comes behind that.
  queueMicrotask(() => {
    const then = [...followUps]
    followUps.clear()
    for (const followUp of then) followUp()
  })
}

function nothing(): void {}
