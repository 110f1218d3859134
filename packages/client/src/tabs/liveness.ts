import { type Clock, elapsedTime } from '@trpc-sse/protocol'

/** Asks a quiet tab whether it is still there. */
export interface Liveness {
  /** The tab has sent something. */
  heard(): void
  /** Asks the tab now. */
  probe(): void
  stop(): void
}

/** The silence after which a tab is asked, and the time that it has to answer, in milliseconds. */
const quietMs = 3_000
const answerMs = 3_000
/** If a timer is this late, in milliseconds, our own tab slept. */
const lateMs = 1_000

/**
 * Watches a tab with questions and answers. Heartbeats wouldn't work, because browsers run timers
 * of hidden tabs only once a minute. But they deliver messages at once.
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
