import type { Clock } from '@trpc-sse/server'
import { backoffMs } from './clients.ts'
import type { Readiness } from './readiness.ts'
import { isRefusal, refused, replyCode, unanswered } from './replies.ts'

/**
 * Sends a command. `doubtMs` is negative the first time, and if no attempt before can have been run; else it is how
 * long ago the first that can have been was sent, at most, in milliseconds.
 */
export type Send<TAnswer> = (doubtMs: number) => Promise<TAnswer>

/** Gets commands answered, in spite of connections that break. */
export interface Attempts {
  /**
   * Sends a command, again and again until it is answered. Rejects with `BACKEND_UNAVAILABLE` when the time
   * since `calledAtMs` is up, or if Redis refuses it. Nothing is sent after that.
   */
  run<TAnswer>(send: Send<TAnswer>, calledAtMs: number): Promise<TAnswer>
  /** Does so with many, together and in this order. */
  runAll<TAnswer>(sends: readonly Send<TAnswer>[], calledAtMs: number): readonly Promise<TAnswer>[]
}

/** What {@link createAttempts} needs. */
export interface AttemptsOptions extends Readiness {
  readonly clock: Clock
  readonly timeoutMs: number
}

/** Creates the one place where commands are tried again. */
export function createAttempts({ clock, timeoutMs, ready, lastError }: AttemptsOptions): Attempts {
  async function work(attempts: readonly Attempt[], signal: AbortSignal): Promise<void> {
    let open = attempts
    for (let round = 1; open.length > 0 && !signal.aborted; round++) {
      await ready(signal)
      if (signal.aborted) break
      await until(signal, Promise.all(open.map((attempt) => attempt.send())))
      open = open.filter((attempt) => !attempt.settled())
      if (open.length > 0) await pause(clock, backoffMs(clock, round), signal)
    }
    for (const attempt of open) attempt.giveUp(unanswered(timeoutMs, attempt.lastError() ?? lastError()))
  }

  function start(attempts: readonly Attempt[], calledAtMs: number): void {
    const deadline = new AbortController()
    const leftMs = Math.max(0, timeoutMs - (clock.now() - calledAtMs))
    const cancel = clock.after(leftMs, () => deadline.abort())
    void work(attempts, deadline.signal).finally(cancel)
  }

  return {
    run(send, calledAtMs) {
      const attempt = createAttempt(send, clock, timeoutMs)
      start([attempt], calledAtMs)
      return attempt.answer
    },
    runAll(sends, calledAtMs) {
      const attempts = sends.map((send) => createAttempt(send, clock, timeoutMs))
      start(attempts, calledAtMs)
      return attempts.map(({ answer }) => answer)
    },
  }
}

/** One command on its way. */
interface Attempt {
  /** Sends it. Resolves when there is an answer, or won't be. */
  send(): Promise<void>
  settled(): boolean
  lastError(): unknown
  giveUp(error: unknown): void
}

function createAttempt<TAnswer>(
  send: Send<TAnswer>,
  clock: Clock,
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
      const sentAtMs = clock.now()
      // This attempt takes time too, on its way to Redis: at most as long as is waited for it.
      const doubtMs = doubtedAtMs === undefined ? -1 : Math.max(0, sentAtMs - doubtedAtMs) + timeoutMs
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

/** Waits for work, or until the signal aborts. */
function until(signal: AbortSignal, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    void work.finally(resolve)
  })
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = withResolvers<void>()
  const cancel = clock.after(delayMs, resolve)
  return until(signal, promise).finally(cancel)
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
