import { type Clock, wait } from '@trpc-sse/server'
import { backoffMs } from '../connection/backoff.ts'
import type { Readiness } from '../connection/readiness.ts'
import { isRefusal, refused, replyCode, unanswered } from '../errors.ts'
import { Deadline } from './deadline.ts'

/**
 * Sends a command once. `doubtMs` says how long ago, at most, an attempt was sent that Redis may
 * have run, in milliseconds: the first of them counts. It is -1 if no attempt can have been run.
 */
export type Command<TReply> = (doubtMs: number) => Promise<TReply>

/** Where a command gets its connection, its time and its reports. */
export interface RetriesOptions {
  readonly clock: Clock
  readonly connection: Pick<Readiness, 'isReady' | 'ready' | 'lastError'>
  /** Time since any fixed moment, by which callers say when they called. */
  elapsedMs(): number
  readonly timeoutMs: number
  /** Called when a command's time was up and there was no connection either. */
  onUnreachable(error: unknown): void
}

/** Sends commands until Redis replies, in spite of connections that break. */
export class Retries {
  readonly #options: RetriesOptions

  constructor(options: RetriesOptions) {
    this.#options = options
  }

  /**
   * Sends a command, and sends it again until there is a reply. Rejects with `BACKEND_UNAVAILABLE`
   * when `timeoutMs` since `calledAtMs` are over or Redis refuses the command, and with the
   * signal's reason when the signal aborts. Nothing is sent after that.
   */
  async run<TReply>(
    command: Command<TReply>,
    calledAtMs: number,
    signal?: AbortSignal,
  ): Promise<TReply> {
    const { clock, connection, elapsedMs, timeoutMs } = this.#options
    // When the first attempt was sent that Redis may have run.
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
        // This attempt may take up to `timeoutMs` to reach Redis: that long it can still be doubted.
        const doubtMs = doubtedAtMs === undefined ? -1 : sentAtMs - doubtedAtMs + timeoutMs
        try {
          return await deadline.race(command(doubtMs))
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
   * Waits for a promise that never rejects, as part of a command's time. Rejects with
   * `BACKEND_UNAVAILABLE` when `timeoutMs` since `calledAtMs` are over.
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
