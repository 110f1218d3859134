import type { Clock } from '@trpc-sse/server'

/** When a call ends at the latest, and with which error. */
export interface DeadlineOptions {
  readonly clock: Clock
  /** Milliseconds until then. */
  readonly leftMs: number
  /** Ends the call earlier, with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Creates the error for a call whose time is up. */
  timeoutError(): unknown
}

/** The end of one call: when its time is up, or its caller's signal aborts. */
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

  /** Throws the error of the call if it has ended. */
  check(): void {
    if (this.#end !== undefined) throw this.#end.error
  }

  /** Waits for a step of the call, but no longer than the call lasts. One step at a time. */
  race<TResult>(step: Promise<TResult>): Promise<TResult> {
    return new Promise((resolve, reject) => {
      this.#reject = reject
      step.then(resolve, reject)
      if (this.#end !== undefined) reject(this.#end.error)
    })
  }

  /** Aborts when the call has ended. Created on demand: nearly all calls end after one step. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#end !== undefined) this.#controller.abort()
    return this.#controller.signal
  }

  /** Cancels the deadline: the call is complete. */
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
