import type { Clock } from '@trpc-sse/server'

/** Options of a {@link Deadline}. */
export interface DeadlineOptions {
  readonly clock: Clock
  /** The time until the deadline, in milliseconds. */
  readonly leftMs: number
  /** Ends the call early when it aborts, with the signal's reason as the error. */
  readonly signal?: AbortSignal | undefined
  /** Creates the error for a call that exceeds its deadline. */
  timeoutError(): unknown
}

/** The deadline of one call. The call also ends when its caller's signal aborts. */
export class Deadline {
  readonly #signal: AbortSignal | undefined
  readonly #cancelTimer: () => void
  readonly #abort: () => void
  #end: { readonly error: unknown } | undefined
  #reject = (_error: unknown): void => {}
  #controller: AbortController | undefined

  constructor({ clock, leftMs, signal, timeoutError }: DeadlineOptions) {
    const timeOut = (): void => this.#endWith(timeoutError())
    this.#signal = signal
    this.#cancelTimer = leftMs > 0 ? clock.after(leftMs, timeOut) : () => {}
    this.#abort = () => this.#endWith(signal?.reason)
    signal?.addEventListener('abort', this.#abort)
    if (signal?.aborted) this.#abort()
    else if (leftMs <= 0) timeOut()
  }

  /** Throws the call's error if the call has ended. */
  check(): void {
    if (this.#end !== undefined) throw this.#end.error
  }

  /**
   * Waits for one step of the call. Rejects early if the call ends. Supports one step at a time.
   */
  race<TResult>(step: Promise<TResult>): Promise<TResult> {
    return new Promise((resolve, reject) => {
      this.#reject = reject
      step.then(resolve, reject)
      if (this.#end !== undefined) reject(this.#end.error)
    })
  }

  /** Aborts when the call ends. Created on demand, as nearly all calls consist of one step. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#end !== undefined) this.#controller.abort()
    return this.#controller.signal
  }

  /** Cancels the deadline. Call it when the call is complete. */
  cancel(): void {
    this.#cancelTimer()
    this.#signal?.removeEventListener('abort', this.#abort)
  }

  #endWith(error: unknown): void {
    this.cancel()
    this.#end = { error }
    this.#reject(error)
    this.#controller?.abort()
  }
}
