import type { Clock } from '@trpc-sse/protocol'
import type { ChannelLog } from '../../backend/backend.ts'
import type { EntriesBackend } from '../../backend/entries-backend.ts'
import { within } from '../../user-code/within.ts'

/** The parts that all keys of a limiter share. */
export interface RateKeyOptions {
  readonly backend: EntriesBackend
  readonly clock: Clock
  readonly perMinute: number
  /** Returns a text for an entry, different for each call in any process. */
  nextMark(): string
}

interface Taking {
  readonly count: number
  resolve(hasRoom: boolean): void
  reject(error: unknown): void
}

/** The longest wait for the backend, in milliseconds. */
const answerMs = 3_000
/** The period of the limit, in milliseconds. */
const minuteMs = 60_000

/**
 * What one key did in the last minute. Each time is an entry that expires after a minute by the
 * store's clock, and the log has as many entries as the limit allows. Calls that come while a change
 * is under way are stored together by the next one.
 */
export class RateKey {
  readonly #log: ChannelLog
  readonly #options: RateKeyOptions
  readonly #onIdle: () => void
  #waiting: Taking[] = []
  #isStoring = false

  constructor(log: ChannelLog, options: RateKeyOptions, onIdle: () => void) {
    this.#log = log
    this.#options = options
    this.#onIdle = onIdle
  }

  /**
   * Counts `count` times. Resolves to whether there was room; counts nothing otherwise. Rejects if
   * the backend is away.
   */
  take(count: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ count, resolve, reject })
      if (!this.#isStoring) void this.#storeWaiting()
    })
  }

  async #storeWaiting(): Promise<void> {
    this.#isStoring = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#store(batch, Number.POSITIVE_INFINITY)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isStoring = false
    this.#onIdle()
  }

  /** Stores as many as fit, in order. Returns the least count that didn't. */
  async #store(batch: readonly Taking[], refused: number): Promise<number> {
    const asked = batch.filter(({ count }) => count < refused)
    for (const { count, resolve } of batch) if (count >= refused) resolve(false)
    if (asked.length === 0) return refused
    if (await this.#tryToStore(asked.reduce((sum, { count }) => sum + count, 0))) {
      for (const { resolve } of asked) resolve(true)
      return refused
    }
    const [first] = asked
    if (asked.length === 1 && first) {
      first.resolve(false)
      return first.count
    }
    const half = asked.length >> 1
    return await this.#store(asked.slice(half), await this.#store(asked.slice(0, half), refused))
  }

  async #tryToStore(count: number): Promise<boolean> {
    const { backend, clock, perMinute, nextMark } = this.#options
    if (count > perMinute) return false
    const changing = backend.change(this.#log, {
      set: Array.from({ length: count }, () => ({ key: nextMark(), value: '', forMs: minuteMs })),
      maxEntries: perMinute,
      forgetAfterMs: minuteMs,
    })
    const { outcome } = await within(clock, answerMs, changing)
    return outcome === 'changed'
  }
}
