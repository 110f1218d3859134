import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { Device } from './device.ts'
import type { FailureRecord } from './failures.ts'
import { backOffOf, type CheckedRetry, retryDelayMs, spreadMs } from './retry-policy.ts'

/**
 * An attempt that lasts this long, in milliseconds, counts as a success, whatever ends it: attempts
 * at such intervals do no harm. It isn't longer, because some platforms cut every response after
 * half a minute.
 */
const lastingMs = 10_000
/**
 * A stream that the server hands over after this long, in milliseconds, counts as a success, too.
 * Its maximum duration may be shorter than a heartbeat, so an idle stream carries nothing.
 */
const lastingUntilHandoverMs = 1_000

/** The options of a {@link Retry}. */
export interface RetryOptions {
  readonly clock: Clock
  /** Attempts wait while this device is offline. Without a device, they never do. */
  readonly device?: Device
  readonly policy: CheckedRetry
  /** Remembers failures for later subscriptions. */
  readonly record?: FailureRecord
  /** Called when it is time for the next attempt. */
  readonly onElapsed: () => void
}

/** The only owner of retries: decides whether and when a stream or subscription is tried again. */
export class Retry {
  readonly #options: RetryOptions
  readonly #elapsedMs: () => number
  /** Failures in a row, without progress in between. */
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

  /** Whether the next attempt is waiting. */
  isBackingOff(): boolean {
    return this.#isWaiting
  }

  /** The attempt has started. If it lasts, it counts as a success. */
  started(): void {
    this.#startedMs = this.#elapsedMs()
  }

  /** The attempt has made progress, so the next failure is the first in a row. */
  progressed(): void {
    if (this.#hasProgressed) return
    this.#hasProgressed = true
    this.#failures = 0
    this.#options.record?.progressed()
  }

  /** Counts a failure that isn't retried. */
  ended(error: unknown): void {
    this.#count(error)
  }

  /**
   * Counts a failure, and waits for the next attempt. If there is none, returns the error to end
   * with. Without an error, the server hands over too often, which always backs off.
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

  /** Waits for an attempt that doesn't follow a failure. */
  handOver(): void {
    this.progressed()
    this.#notBeforeMs = 0
    this.#wait(spreadMs(this.#options.clock), true)
  }

  /** Starts the next attempt as soon as the server allows. */
  hurry(): void {
    this.#wait(Math.max(0, this.#notBeforeMs - this.#elapsedMs()), true)
  }

  /** Starts no attempt until {@link hurry}. */
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
    const leastMs = error === undefined ? lastingUntilHandoverMs : lastingMs
    const hasLasted = this.#elapsedMs() - this.#startedMs >= leastMs
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
      // Without a network, an attempt would fail. But devices can be wrong, so postpone it only
      // once.
      if (device?.isOffline() && !isPutOff) {
        this.#wait(Math.max(0, backOffOf(policy).maxMs - delayMs), keepsAlive, true)
      } else {
        this.#isWaiting = false
        onElapsed()
      }
    }
    // A waiting subscription has no connection that would keep the process alive.
    this.#cancel = clock.after(delayMs, over, { keepsAlive })
  }
}
