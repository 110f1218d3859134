import { type Clock, elapsedTime } from '@trpc-sse/protocol'

/** Asks a quiet tab whether it is still there. */
export interface Liveness {
  /** The tab has sent something. */
  heard(): void
  /** Asks now. */
  probe(): void
  stop(): void
}

/** After how much silence a tab is asked, and how long it may take to answer, in milliseconds. */
const quietMs = 3_000
const answerMs = 3_000
/** A timer that is this late means that our own tab slept, in milliseconds. */
const lateMs = 1_000

/**
 * Watches a tab by question and answer. A heartbeat would not do: browsers slow the timers of
 * hidden tabs down to one a minute, but deliver messages at once.
 */
export function createLiveness(
  clock: Clock,
  { probe, silent }: { readonly probe: () => void; readonly silent: () => void },
): Liveness {
  const elapsedMs = elapsedTime(clock)
  let cancel = (): void => {}

  function ask(): void {
    const atMs = elapsedMs()
    cancel()
    cancel = clock.after(answerMs, () => {
      if (elapsedMs() - atMs > answerMs + lateMs) ask()
      else silent()
    })
    probe()
  }

  return {
    heard() {
      cancel()
      cancel = clock.after(quietMs, ask)
    },
    probe: ask,
    stop: () => cancel(),
  }
}
