import type { Clock } from '@trpc-sse/server'
import { backoffMs } from '../connection/clients.ts'
import type { Readiness } from '../connection/readiness.ts'
import { isRefusal, refused, replyCode, unanswered } from '../errors.ts'
import { createDeadlines, type Deadlines } from './deadlines.ts'

/**
 * Sends a command. `doubtMs` is negative the first time, and if no attempt before can have been run; else it is how
 * long ago the first that can have been was sent, at most, in milliseconds.
 */
export type Send<TAnswer> = (doubtMs: number) => Promise<TAnswer>

/** Gets commands answered, in spite of connections that break. */
export interface Attempts {
  /**
   * Sends a command, again and again until it is answered. Rejects with `BACKEND_UNAVAILABLE` when the time
   * since `calledAtMs` is up, or if Redis refuses it; with the signal's reason when that aborts. Nothing is sent after that.
   */
  run<TAnswer>(send: Send<TAnswer>, calledAtMs: number, signal?: AbortSignal): Promise<TAnswer>
  /**
   * Waits for something that a command has to come after, which never rejects, as part of the command's time: rejects with
   * `BACKEND_UNAVAILABLE` when the time since `calledAtMs` is up.
   */
  waitFor(settled: Promise<unknown>, calledAtMs: number): Promise<void>
}

/** What {@link createAttempts} needs. */
export interface AttemptsOptions extends Readiness {
  readonly clock: Clock
  /** Time since any fixed moment, by which calls say when they were made. */
  elapsedMs(): number
  readonly timeoutMs: number
  /** There was no answer in time, and no connection either. */
  onUnreachable(error: unknown): void
}

/** Creates the one place where commands are tried again. */
export function createAttempts({
  clock,
  elapsedMs,
  timeoutMs,
  isReady,
  ready,
  lastError,
  onUnreachable,
}: AttemptsOptions): Attempts {
  const deadlines = createDeadlines(clock)
  const leftMs = (calledAtMs: number): number => timeoutMs - (elapsedMs() - calledAtMs)

  async function work(attempt: Attempt, time: Time): Promise<void> {
    for (let round = 1; !time.isUp(); round++) {
      if (!isReady()) await ready(time.signal())
      if (time.isUp()) return
      await attempt.send()
      if (attempt.settled()) return time.stop()
      if (!time.isUp()) await pause(clock, backoffMs(clock, round), time.signal())
    }
  }

  return {
    run(send, calledAtMs, signal) {
      const attempt = createAttempt(send, elapsedMs, timeoutMs)
      const time = createTime(deadlines, leftMs(calledAtMs), () => {
        const error = unanswered(timeoutMs, attempt.lastError() ?? lastError())
        if (!isReady()) onUnreachable(error)
        attempt.giveUp(error)
      })
      if (signal) whenAborted(signal, attempt, time)
      void work(attempt, time)
      return attempt.answer
    },
    waitFor(settled, calledAtMs) {
      return new Promise((resolve, reject) => {
        const giveUp = (): void => reject(unanswered(timeoutMs, lastError()))
        const time = createTime(deadlines, leftMs(calledAtMs), giveUp)
        void settled.then(() => {
          time.stop()
          resolve()
        })
      })
    },
  }
}

function whenAborted(signal: AbortSignal, attempt: Attempt, time: Time): void {
  const abort = (): void => {
    time.end()
    attempt.giveUp(signal.reason)
  }
  const settled = (): void => signal.removeEventListener('abort', abort)
  signal.addEventListener('abort', abort)
  attempt.answer.then(settled, settled)
  if (signal.aborted) abort()
}

/** The time that there is for an answer. */
interface Time {
  isUp(): boolean
  /** It is up now: nobody waits any more. */
  end(): void
  /** Aborts when it is up. Made only for whoever waits for something else: nearly all are answered at once. */
  signal(): AbortSignal
  /** It doesn't matter any more. */
  stop(): void
}

function createTime(deadlines: Deadlines, leftMs: number, onUp: () => void): Time {
  let isUp = leftMs <= 0
  let controller: AbortController | undefined
  if (isUp) onUp()
  const end = (): void => {
    stop()
    isUp = true
    controller?.abort()
  }
  const stop = deadlines.add(leftMs, () => {
    end()
    onUp()
  })
  return {
    stop,
    end,
    isUp: () => isUp,
    signal() {
      controller ??= new AbortController()
      return controller.signal
    },
  }
}

/** One command on its way. */
interface Attempt {
  readonly answer: Promise<unknown>
  /** Sends it. Resolves when there is an answer, or won't be. */
  send(): Promise<void>
  settled(): boolean
  lastError(): unknown
  giveUp(error: unknown): void
}

function createAttempt<TAnswer>(
  send: Send<TAnswer>,
  elapsedMs: () => number,
  timeoutMs: number,
): Attempt & { readonly answer: Promise<TAnswer> } {
  const { promise, resolve, reject } = withResolvers<TAnswer>()
  let settled = false
  let doubtedAtMs: number | undefined
  let lastError: unknown
  return {
    answer: promise,
    settled: () => settled,
    lastError: () => lastError,
    giveUp: reject,
    async send() {
      const sentAtMs = elapsedMs()
      // This attempt takes time too, on its way to Redis: at most as long as is waited for it.
      const doubtMs = doubtedAtMs === undefined ? -1 : sentAtMs - doubtedAtMs + timeoutMs
      try {
        resolve(await send(doubtMs))
        settled = true
      } catch (error) {
        settled = isRefusal(error)
        lastError = error
        if (settled) reject(refused(error))
        else if (replyCode(error) === undefined) doubtedAtMs ??= sentAtMs
      }
    },
  }
}

/** Waits, or until the signal aborts. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(delayMs, resolve)
    const stop = (): void => {
      cancel()
      resolve()
    }
    signal.addEventListener('abort', stop, { once: true })
  })
}

// Promise.withResolvers is there from Node 22 on.
function withResolvers<T>() {
  let resolve = (_value: T): void => {}
  let reject = (_error: unknown): void => {}
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
