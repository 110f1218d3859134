import { systemClock } from '@trpc-sse/protocol'
import { acrossCopies } from '../shared-state.ts'
import { detached } from './async-context.ts'

/** What the process is waiting for, and the timer that keeps it alive meanwhile. */
interface Waits {
  count: number
  cancel: () => void
}

const waits = acrossCopies<Waits>('waits', () => ({ count: 0, cancel: () => {} }))

/** The longest that a timer can be, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Keeps the process alive for something that an app waits for, until the function that it returns is called. Everything
 * else here only tidies up, and its timers keep nothing alive. One timer for all, as there may be thousands.
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
