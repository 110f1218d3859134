import { type Clock, fullJitterMs, wait } from '@trpc-sse/protocol'
import { detached } from '../user-code/async-context.ts'

/** What a {@link RetryLoop} is made of. */
export interface RetryLoopOptions {
  /** Does the work. If it rejects, it is tried again. */
  run(): Promise<void>
  onError(error: unknown): void
  /** Called when the task has succeeded and isn't due again. */
  onIdle(): void
  readonly clock: Clock
}

const retryBaseMs = 100
const retryMaxMs = 5_000

/**
 * Runs one task on request, never twice at once, and outside any request's async context. A failed
 * task is retried with full jitter, after up to 100 ms at first and up to 5 s later.
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

  /** Runs the task; if it is running, once more after that. */
  request(): void {
    this.#isDue = true
    if (!this.#isRunning && !this.#stopped.signal.aborted) void detached(() => this.#loop())
  }

  /** Starts the task no more. */
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
