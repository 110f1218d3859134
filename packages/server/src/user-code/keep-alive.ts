import { systemClock } from '@trpc-sse/protocol'
import { acrossCopies } from '../shared-state.ts'
import { detached } from './async-context.ts'

/** The number of waits that keep the process alive, and the timer that they share. */
interface Waits {
  count: number
  cancel: () => void
}

const waits = acrossCopies<Waits>('waits', () => ({ count: 0, cancel: () => {} }))

/** The longest delay that runtimes support, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Keeps the process alive until the returned function is called. Use it while the app waits for
 * something. All other timers of this package only clean up, and don't keep the process alive.
 * There may be thousands of waits, so they share one timer.
 */
export function holdProcess(): () => void {
  if (waits.count++ === 0) hold()
  return () => {
    if (--waits.count === 0) waits.cancel()
  }
}

/** Keeps the process alive until a promise settles. */
export async function keepAlive<TResult>(work: Promise<TResult>): Promise<TResult> {
  const release = holdProcess()
  try {
    return await work
  } finally {
    release()
  }
}

function hold(): void {
  waits.cancel = detached(() => systemClock.after(longestTimerMs, hold, { keepsAlive: true }))
}
