import { type Clock, elapsedTime } from '@trpc-sse/server'

/** Many deadlines with one timer: nearly all are undone long before. */
export interface Deadlines {
  /** Calls back once after so many milliseconds, or up to 25 more. Returns what undoes that. */
  add(delayMs: number, callback: () => void): () => void
}

interface Deadline {
  /** In milliseconds of the time below. */
  readonly atMs: number
  readonly callback: () => void
}

/** The timer looks at all of them, so it doesn't for each. */
const leastTimerMs = 25

/** Creates deadlines. The timer is there only while there may be any. */
export function createDeadlines(clock: Clock): Deadlines {
  const all = new Set<Deadline>()
  let timer:
    | { readonly startedAtMs: number; readonly ms: number; readonly cancel: () => void }
    | undefined
  const elapsedMs = elapsedTime(clock)
  let passedMs = 0

  /** Time as the timers tell it: a clock may be set back, and waits must end for all that. */
  function nowMs(): number {
    return timer ? passedMs + Math.min(timer.ms, elapsedMs() - timer.startedAtMs) : passedMs
  }

  function wakeAt(atMs: number): void {
    const now = nowMs()
    if (atMs === Infinity || (timer && atMs >= passedMs + timer.ms)) return
    timer?.cancel()
    passedMs = now
    const ms = Math.max(leastTimerMs, Math.ceil(atMs - now))
    timer = { ms, startedAtMs: elapsedMs(), cancel: clock.after(ms, wake) }
  }

  function wake(): void {
    passedMs += timer?.ms ?? 0
    timer = undefined
    const due: Deadline[] = []
    let next = Infinity
    for (const deadline of all) {
      if (deadline.atMs <= passedMs) due.push(deadline)
      else next = Math.min(next, deadline.atMs)
    }
    for (const deadline of due) all.delete(deadline)
    // Before anybody is called: what they do is theirs.
    wakeAt(next)
    for (const { callback } of due) callback()
  }

  return {
    add(delayMs, callback) {
      const deadline: Deadline = { atMs: nowMs() + Math.max(0, delayMs), callback }
      all.add(deadline)
      wakeAt(deadline.atMs)
      return () => void all.delete(deadline)
    },
  }
}
