import { createStore, type Store } from './store.ts'

/** How long events take to the screen. */
export interface Latency {
  /** The newest ones, in milliseconds, oldest first. */
  readonly values: Pick<Store<readonly number[]>, 'get' | 'subscribe'>
  /** Starts to measure an event that was published at a moment (milliseconds since 1970): its end is the next frame. */
  measure(publishedAt: number): void
  /** The page is shown, or hidden. */
  visibilityChanged(isHidden: boolean): void
}

/** What it is measured with. */
export interface LatencyOptions {
  readonly now: () => number
  /** Calls back when what the next frame shows is in the document. */
  readonly afterFrame: (callback: () => void) => void
}

const kept = 90

/** Creates what measures a page that is hidden. There are no frames then: only what begins and ends while the page is shown counts. */
export function createLatency({ now, afterFrame }: LatencyOptions): Latency {
  const values = createStore<readonly number[]>([])
  let shownAt = Infinity
  let arrived: number[] = []

  function record(): void {
    const at = now()
    // Two clocks that differ a little must not give a time below zero.
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
