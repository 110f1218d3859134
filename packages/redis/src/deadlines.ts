import type { Clock } from '@trpc-sse/server'

/** Many deadlines with one timer: nearly all are undone long before. */
export interface Deadlines {
  /** Calls back once at a time, in milliseconds since 1970. Returns what undoes that. */
  add(atMs: number, callback: () => void): () => void
}

interface Deadline {
  readonly atMs: number
  readonly callback: () => void
}

/** Creates deadlines. The timer is there only while there may be any. */
export function createDeadlines(clock: Clock): Deadlines {
  const all = new Set<Deadline>()
  let wakesAtMs = Infinity
  let cancel = (): void => {}

  function wakeAt(atMs: number): void {
    if (atMs >= wakesAtMs) return
    cancel()
    wakesAtMs = atMs
    cancel = clock.after(Math.max(0, Math.ceil(atMs - clock.now())), wake)
  }

  function wake(): void {
    wakesAtMs = Infinity
    const nowMs = clock.now()
    const due = [...all].filter(({ atMs }) => atMs <= nowMs)
    for (const deadline of due) all.delete(deadline)
    // Armed for the rest before anybody is called: what they do is theirs.
    wakeAt([...all].reduce((first, { atMs }) => Math.min(first, atMs), Infinity))
    for (const { callback } of due) callback()
  }

  return {
    add(atMs, callback) {
      const deadline: Deadline = { atMs, callback }
      all.add(deadline)
      wakeAt(atMs)
      return () => void all.delete(deadline)
    },
  }
}
