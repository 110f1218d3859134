import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { Device } from './device.ts'
import type { FailureRecord } from './failures.ts'
import { backOffOf, type CheckedRetry, retryDelayMs, spreadMs } from './retry-policy.ts'

/**
 * What has run for this long, in milliseconds, has worked, whatever ends it: attempts as rare as
 * that harm nobody. No longer, because some platforms cut every response after half a minute.
 */
const lastingMs = 10_000

/** What a {@link Retry} is made of. */
export interface RetryOptions {
  readonly clock: Clock
  /** Attempts wait while this device is offline; without one, nothing is known of the network. */
  readonly device?: Device
  readonly policy: CheckedRetry
  /** Remembers failures for the time after. */
  readonly record?: FailureRecord
  /** It is time for the next attempt. */
  readonly onElapsed: () => void
}

/** The only owner of retries: decides whether, and when, something that failed is tried again. */
export class Retry {
  readonly #options: RetryOptions
  readonly #elapsedMs: () => number
  /** In a row: without progress in between. */
  #failures = 0
  #startedMs = Infinity
  #hasProgressed = false
  #notBeforeMs = 0
  #isWaiting = false
  #cancel = (): void => {}

  constructor(options: RetryOptions) {
    this.#options = options
    this.#elapsedMs = elapsedTime(options.clock)
  }

  /** Whether the next attempt is still to come. */
  isBackingOff(): boolean {
    return this.#isWaiting
  }

  /** What is tried has started: if it lasts, it has worked. */
  started(): void {
    this.#startedMs = this.#elapsedMs()
  }

  /** It got further than the last attempt: the next failure is the first in a row. */
  progressed(): void {
    if (this.#hasProgressed) return
    this.#hasProgressed = true
    this.#failures = 0
    this.#options.record?.progressed()
  }

  /** Counts a failure after which there is no other attempt. */
  ended(error: unknown): void {
    this.#count(error)
  }

  /**
   * Counts a failure, and waits for the next attempt. If there is to be none, returns the error to
   * end with instead. Without an error, it is the server that hands over too often: that is not for
   * the policy to decide.
   */
  failed(
    error: unknown,
    askedWaitMs: number,
    keepsAlive = true,
  ): { readonly error: unknown } | undefined {
    const { clock, policy } = this.#options
    const attempt = this.#count(error)
    this.#isWaiting = true
    try {
      const asked = error === undefined ? backOffOf(policy) : policy
      const delayMs = retryDelayMs(clock, asked, attempt, error, askedWaitMs)
      // The app's function may have unsubscribed.
      if (!this.#isWaiting) return undefined
      if (delayMs === false) return this.#giveUp(error)
      this.#notBeforeMs = this.#elapsedMs() + askedWaitMs
      this.#wait(delayMs, keepsAlive)
      return undefined
    } catch (cause) {
      return this.#giveUp(cause ?? error)
    }
  }

  /** Waits for an attempt that follows no failure. */
  handOver(): void {
    this.progressed()
    this.#notBeforeMs = 0
    this.#wait(spreadMs(this.#options.clock), true)
  }

  /** Makes the next attempt as soon as the server allows. */
  hurry(): void {
    this.#wait(Math.max(0, this.#notBeforeMs - this.#elapsedMs()), true)
  }

  /** Makes no attempt until {@link hurry}. */
  pause(): void {
    this.#cancel()
  }

  stop(): void {
    this.#cancel()
    this.#isWaiting = false
  }

  #giveUp(error: unknown): { readonly error: unknown } {
    this.stop()
    return { error }
  }

  #count(error: unknown): number {
    const hasLasted = this.#elapsedMs() - this.#startedMs >= lastingMs
    this.#startedMs = Infinity
    this.#hasProgressed = false
    this.#failures = hasLasted ? 1 : this.#failures + 1
    this.#options.record?.failed(error, hasLasted)
    return this.#failures
  }

  #wait(delayMs: number, keepsAlive: boolean, isPutOff = false): void {
    const { clock, device, policy, onElapsed } = this.#options
    this.#cancel()
    this.#isWaiting = true
    const over = (): void => {
      // Without a network an attempt is in vain; but devices are wrong about that, too.
      if (device?.isOffline() && !isPutOff) {
        this.#wait(Math.max(0, backOffOf(policy).maxMs - delayMs), keepsAlive, true)
      } else {
        this.#isWaiting = false
        onElapsed()
      }
    }
    // A subscription that waits has no connection that would keep the process alive.
    this.#cancel = clock.after(delayMs, over, { keepsAlive })
  }
}
