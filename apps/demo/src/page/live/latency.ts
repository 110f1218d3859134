import { createStore, type Store } from './store.ts'

/** Measures how long events take from publish to screen. */
export interface Latency {
  /** The latest measurements in milliseconds, oldest first. */
  readonly values: Pick<Store<readonly number[]>, 'get' | 'subscribe'>
  /**
   * Measures an event published at `publishedAt` (milliseconds since 1970) up to the next frame.
   */
  measure(publishedAt: number): void
  /** The page was shown or hidden. */
  visibilityChanged(isHidden: boolean): void
}

/** Options of {@link createLatency}. */
export interface LatencyOptions {
  readonly now: () => number
  /** Calls back once the document contains what the next frame shows. */
  readonly afterFrame: (callback: () => void) => void
}

const kept = 90

/**
 * Creates the measurement of a page that may be hidden. A hidden page has no frames, so an event
 * counts only if the page is shown from publish to frame.
 */
export function createLatency({ now, afterFrame }: LatencyOptions): Latency {
  const values = createStore<readonly number[]>([])
  let shownAt = Infinity
  let arrived: number[] = []

  function record(): void {
    const at = now()
    // The server's clock may be slightly ahead.
    const measured = arrived.map((publishedAt) => Math.max(0, at - publishedAt))
    arrived = []
    if (measured.length > 0) values.set([...values.get(), ...measured].slice(-kept))
  }

  return {
    values,
    measure(publishedAt) {
      if (publishedAt < shownAt) return
      arrived.push(publishedAt)
      afterFrame(record)
    },
    visibilityChanged(isHidden) {
      shownAt = isHidden ? Infinity : now()
      arrived = []
    },
  }
}
