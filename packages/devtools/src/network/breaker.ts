/** Ends a request, and its response, with an error of the network. */
export class Breaker {
  readonly #abort = new AbortController()

  /** The request also ends with the `signal` of its caller. */
  constructor(signal: AbortSignal | null | undefined) {
    const forward = (): void => this.break(signal?.reason)
    if (signal?.aborted) forward()
    else signal?.addEventListener('abort', forward, { signal: this.signal })
  }

  /** Aborts when the request is broken, with the error as its reason. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  break(error: unknown): void {
    this.#abort.abort(error)
  }

  /** Waits for a promise. Rejects at once when the request is broken. */
  unlessBroken<TResult>(promise: Promise<TResult>): Promise<TResult> {
    return new Promise((resolve, reject) => {
      this.signal.addEventListener('abort', () => reject(this.signal.reason))
      promise.then(resolve, reject)
    })
  }
}
