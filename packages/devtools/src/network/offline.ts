import type { Clock } from '@trpc-sse/protocol'
import type { Recorder } from '../record/recorder.ts'

/** Takes the network away from a client, and brings it back. */
export class OfflineSwitch {
  readonly #clock: Clock
  readonly #recorder: Recorder
  readonly #breakers = new Set<(error: TypeError) => void>()
  readonly #wake: () => void
  #until: number | undefined
  #cancel = (): void => {}

  /** `wake` is called when the network is back. */
  constructor(clock: Clock, recorder: Recorder, wake: () => void) {
    this.#clock = clock
    this.#recorder = recorder
    this.#wake = wake
  }

  get isOffline(): boolean {
    return this.#until !== undefined
  }

  /** The time until the network is back, in milliseconds; 0 if it is there. */
  get leftMs(): number {
    return Math.max(0, (this.#until ?? 0) - this.#clock.now())
  }

  /** The error of a request without a network: browsers reject with one like it. */
  error(): TypeError {
    return new TypeError('Failed to fetch: offline by the devtools')
  }

  /** Ends running requests, and refuses new ones for `ms` milliseconds. */
  goOffline(ms: number): void {
    this.#cancel()
    this.#until = this.#clock.now() + ms
    this.#cancel = this.#clock.after(ms, () => this.goOnline())
    this.#recorder.note('offline', `for ${Math.round(ms / 1_000)} s`)
    for (const breakRequest of [...this.#breakers]) breakRequest(this.error())
  }

  /** Brings the network back. */
  goOnline(): void {
    if (!this.isOffline) return
    this.#cancel()
    this.#until = undefined
    this.#recorder.note('online', '')
    this.#wake()
  }

  /** Calls back when the network is taken away. Returns a function that removes the listener. */
  onOffline(breakRequest: (error: TypeError) => void): () => void {
    this.#breakers.add(breakRequest)
    return () => this.#breakers.delete(breakRequest)
  }
}
