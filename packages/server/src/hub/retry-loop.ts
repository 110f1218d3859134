import { type Clock, fullJitterMs, wait } from '@trpc-sse/protocol'
import { detached } from '../user-code/async-context.ts'

/** The parts of a {@link RetryLoop}. */
export interface RetryLoopOptions {
  /** Runs the task. A rejection causes a retry. */
  run(): Promise<void>
  onError(error: unknown): void
  /** Called when the task has succeeded and wasn't requested again. */
  onIdle(): void
  readonly clock: Clock
}

const retryBaseMs = 100
const retryMaxMs = 5_000

/**
 * Runs one task whenever it is requested, but never twice at the same time, and outside any
 * request's async context. A failed task is retried with full jitter: after up to 100 ms at first,
 * and up to 5 s later.
 */
export class RetryLoop {
  readonly #options: RetryLoopOptions
  readonly #stopped = new AbortController()
  #isRunning = false
  #isDue = false

  constructor(options: RetryLoopOptions) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** Runs the task. If it is already running, runs it once more afterwards. */
  request(): void {
    this.#isDue = true
    if (!this.#isRunning && !this.#stopped.signal.aborted) void detached(() => this.#loop())
  }

  /** Stops the loop: the task isn't started again. */
  stop(): void {
    this.#stopped.abort()
  }

  async #loop(): Promise<void> {
    const { run, onError, onIdle, clock } = this.#options
    const { signal } = this.#stopped
    this.#isRunning = true
    let failures = 0
    do {
      this.#isDue = false
      try {
        await run()
        failures = 0
      } catch (error) {
        if (signal.aborted) break
        onError(error)
        this.#isDue = true
        await wait(clock, fullJitterMs(clock, failures++, retryBaseMs, retryMaxMs), signal)
      }
    } while (this.#isDue && !signal.aborted)
    this.#isRunning = false
    if (!signal.aborted) onIdle()
  }
}
