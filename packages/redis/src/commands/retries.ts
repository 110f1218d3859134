import { type Clock, wait } from '@trpc-sse/server'
import { backoffMs } from '../connection/backoff.ts'
import type { Readiness } from '../connection/readiness.ts'
import { isRefusal, refused, replyCode, unanswered } from '../errors.ts'

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
  run<TReply>(command: Command<TReply>, calledAtMs: number, signal?: AbortSignal): Promise<TReply> {
    const call = new RetriedCall(command, this.#options)
    call.start(this.#leftMs(calledAtMs), signal)
    return call.reply
  }

  /**
   * Waits for a promise that never rejects, as part of a command's time. Rejects with
   * `BACKEND_UNAVAILABLE` when `timeoutMs` since `calledAtMs` are over.
   */
  waitFor(settled: Promise<unknown>, calledAtMs: number): Promise<void> {
    const { clock, timeoutMs, connection } = this.#options
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(unanswered(timeoutMs, connection.lastError()))
      const cancel = clock.after(Math.max(0, this.#leftMs(calledAtMs)), giveUp)
      void settled.then(() => {
        cancel()
        resolve()
      })
    })
  }

  #leftMs(calledAtMs: number): number {
    return this.#options.timeoutMs - (this.#options.elapsedMs() - calledAtMs)
  }
}

/** One command, from its first attempt to its reply, its refusal, or the end of its time. */
class RetriedCall<TReply> {
  readonly #command: Command<TReply>
  readonly #options: RetriesOptions
  /** Settles when the call is over. */
  readonly reply: Promise<TReply>
  #resolve = (_reply: TReply): void => {}
  #fail = (_error: unknown): void => {}
  #isOver = false
  #stopWaiting: AbortController | undefined
  #cleanUp = (): void => {}
  /** When the first attempt was sent that Redis may have run. */
  #doubtedAtMs: number | undefined
  #lastError: unknown

  constructor(command: Command<TReply>, options: RetriesOptions) {
    this.#command = command
    this.#options = options
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#fail = reject
    })
  }

  start(leftMs: number, signal: AbortSignal | undefined): void {
    if (leftMs <= 0) this.#timeOut()
    if (signal?.aborted) this.#reject(signal.reason)
    if (this.#isOver) return
    const cancel = this.#options.clock.after(leftMs, () => this.#timeOut())
    const abort = (): void => this.#reject(signal?.reason)
    signal?.addEventListener('abort', abort)
    this.#cleanUp = () => {
      cancel()
      signal?.removeEventListener('abort', abort)
    }
    void this.#attempt()
  }

  async #attempt(): Promise<void> {
    const { clock, connection } = this.#options
    for (let round = 1; !this.#isOver; round++) {
      if (!connection.isReady()) await connection.ready(this.#untilOver())
      if (!this.#isOver) await this.#send()
      if (!this.#isOver) await wait(clock, backoffMs(clock, round), this.#untilOver())
    }
  }

  async #send(): Promise<void> {
    const { elapsedMs, timeoutMs } = this.#options
    const sentAtMs = elapsedMs()
    // This attempt may take up to `timeoutMs` to reach Redis: that long it can still be doubted.
    const doubtMs = this.#doubtedAtMs === undefined ? -1 : sentAtMs - this.#doubtedAtMs + timeoutMs
    try {
      const reply = await this.#command(doubtMs)
      this.#end(() => this.#resolve(reply))
    } catch (error) {
      if (isRefusal(error)) return this.#reject(refused(error))
      this.#lastError = error
      // An error reply proves that Redis didn't run the command.
      if (replyCode(error) === undefined) this.#doubtedAtMs ??= sentAtMs
    }
  }

  #timeOut(): void {
    const { connection, timeoutMs, onUnreachable } = this.#options
    const error = unanswered(timeoutMs, this.#lastError ?? connection.lastError())
    this.#reject(error)
    if (!connection.isReady()) onUnreachable(error)
  }

  #reject(error: unknown): void {
    this.#end(() => this.#fail(error))
  }

  #end(settle: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cleanUp()
    settle()
    this.#stopWaiting?.abort()
  }

  /** Aborts when the call is over. Created on demand: nearly all commands get a reply at once. */
  #untilOver(): AbortSignal {
    this.#stopWaiting ??= new AbortController()
    return this.#stopWaiting.signal
  }
}
