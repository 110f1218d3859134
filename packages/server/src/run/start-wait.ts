import { type Clock, RealtimeError } from '@trpc-sse/protocol'
import type { LiveOptions } from '../subscription/options.ts'

/** Options of `follow`. A resolver's `opts` can be passed unchanged. */
export interface FollowOptions extends LiveOptions {
  /**
   * The maximum time to wait for a run that has not begun, in milliseconds, 0 to 86,400,000. The
   * follower then gets the status `'none'`, and its subscription fails with NOT_FOUND. A client that
   * reconnects waits again. `Infinity` waits without end.
   *
   * @default 60_000
   */
  readonly waitForStartMs?: number
}

const longestWaitMs = 86_400_000

/** Returns the time to wait for a start. Throws `INVALID_OPTION` for an invalid one. */
export function startWaitMs({ waitForStartMs = 60_000 }: FollowOptions): number {
  const isInRange = waitForStartMs >= 0 && waitForStartMs <= longestWaitMs
  if (waitForStartMs === Infinity || (Number.isSafeInteger(waitForStartMs) && isInRange))
    return waitForStartMs
  const message = `follow(): waitForStartMs is ${waitForStartMs}. Give a whole number, 0 to ${longestWaitMs}, or Infinity.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/** The parts of a {@link StartWait}. */
export interface StartWaitOptions {
  readonly clock: Clock
  readonly waitMs: number
  /** Reads whether the run has begun. */
  readonly hasBegun: () => Promise<boolean>
  /** Called when {@link StartWait.isOver} may have changed. */
  readonly wake: () => void
}

/** The wait of a follower for the start of a run. */
export class StartWait {
  readonly #options: StartWaitOptions
  readonly #cancelTimer: (() => void) | undefined
  #isReadDue = false
  /** Returns whether the run has begun, or throws the error of the read. */
  #hasBegun: (() => boolean) | undefined
  #hasEnded = false

  constructor(options: StartWaitOptions) {
    this.#options = options
    const { clock, waitMs, wake } = options
    if (waitMs === Infinity) return
    this.#cancelTimer = clock.after(waitMs, () => {
      this.#isReadDue = true
      wake()
    })
  }

  /**
   * Whether the time is over and the run has not begun. A run that has begun may have no deltas yet,
   * so this reads its status once. Throws the error of the read.
   */
  isOver(): boolean {
    if (this.#isReadDue) this.#read()
    return this.#hasBegun?.() === false
  }

  /** Ends the wait: the run has begun, or its follower has left. */
  end(): void {
    this.#hasEnded = true
    this.#isReadDue = false
    this.#hasBegun = undefined
    this.#cancelTimer?.()
  }

  #read(): void {
    this.#isReadDue = false
    const settle = (hasBegun: () => boolean): void => {
      if (this.#hasEnded) return
      this.#hasBegun = hasBegun
      this.#options.wake()
    }
    this.#options.hasBegun().then(
      (hasBegun) => settle(() => hasBegun),
      (error: unknown) =>
        settle(() => {
          throw error
        }),
    )
  }
}
