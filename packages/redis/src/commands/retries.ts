import { type Clock, wait } from '@trpc-sse/server'
import { backoffMs } from '../connection/backoff.ts'
import type { Readiness } from '../connection/readiness.ts'
import { isRefusal, refused, replyCode, unanswered } from '../errors.ts'
import { Deadline } from './deadline.ts'

/**
 * Sends a command once. An earlier attempt without a reply may have been run by Redis. `doubtMs` is
 * the maximum age of the first such attempt, in milliseconds; -1 if there is none.
 */
export type Command<TReply> = (doubtMs: number) => Promise<TReply>

/** Options of {@link Retries}. */
export interface RetriesOptions {
  readonly clock: Clock
  readonly connection: Pick<Readiness, 'isReady' | 'ready' | 'lastError'>
  /** The time since any fixed moment, in milliseconds. `calledAtMs` refers to this time. */
  elapsedMs(): number
  readonly timeoutMs: number
  /** Called when a command exceeded its deadline while there was no connection. */
  onUnreachable(error: unknown): void
}

/** Sends commands, and retries until Redis replies, across lost connections. */
export class Retries {
  readonly #options: RetriesOptions

  constructor(options: RetriesOptions) {
    this.#options = options
  }

  /**
   * Sends a command, and retries until there is a reply. Rejects with `BACKEND_UNAVAILABLE` when
   * `timeoutMs` have passed since `calledAtMs` or Redis refuses the command. Rejects with the
   * signal's reason when the signal aborts. No attempt follows a rejection.
   */
  async run<TReply>(
    command: Command<TReply>,
    calledAtMs: number,
    signal?: AbortSignal,
  ): Promise<TReply> {
    const { clock, connection, elapsedMs, timeoutMs } = this.#options
    // The time of the first attempt that Redis may have run.
    let doubtedAtMs: number | undefined
    let lastError: unknown
    const timeoutError = (): unknown => this.#timeoutError(lastError)
    const leftMs = this.#leftMs(calledAtMs)
    const deadline = new Deadline({ clock, leftMs, signal, timeoutError })
    try {
      for (let attempt = 1; ; attempt++) {
        if (!connection.isReady()) await deadline.race(connection.ready(deadline.signal))
        deadline.check()
        const sentAtMs = elapsedMs()
        // This attempt may take up to `timeoutMs` to reach Redis, so add that to the age.
        const doubtMs = doubtedAtMs === undefined ? -1 : sentAtMs - doubtedAtMs + timeoutMs
        try {
          const reply = await deadline.race(command(doubtMs))
          if (!clock.rare?.('lost reply')) return reply
          doubtedAtMs ??= sentAtMs
        } catch (error) {
          deadline.check()
          if (isRefusal(error)) throw refused(error)
          lastError = error
          // An error reply proves that Redis didn't run the command.
          if (replyCode(error) === undefined) doubtedAtMs ??= sentAtMs
        }
        await deadline.race(wait(clock, backoffMs(clock, attempt), deadline.signal))
      }
    } finally {
      deadline.cancel()
    }
  }

  /**
   * Waits for a promise that never rejects. The wait counts towards the command's timeout: rejects
   * with `BACKEND_UNAVAILABLE` when `timeoutMs` have passed since `calledAtMs`.
   */
  async waitFor(settled: Promise<unknown>, calledAtMs: number): Promise<void> {
    const { clock, timeoutMs, connection } = this.#options
    const timeoutError = (): unknown => unanswered(timeoutMs, connection.lastError())
    const deadline = new Deadline({ clock, leftMs: this.#leftMs(calledAtMs), timeoutError })
    try {
      await deadline.race(settled)
    } finally {
      deadline.cancel()
    }
  }

  #leftMs(calledAtMs: number): number {
    return this.#options.timeoutMs - (this.#options.elapsedMs() - calledAtMs)
  }

  #timeoutError(lastError: unknown): unknown {
    const { connection, timeoutMs, onUnreachable } = this.#options
    const error = unanswered(timeoutMs, lastError ?? connection.lastError())
    if (!connection.isReady()) onUnreachable(error)
    return error
  }
}
