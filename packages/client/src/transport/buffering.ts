import { type Clock, RealtimeError } from '@trpc-sse/protocol'
import type { HttpRequest } from '../wire/request.ts'
import { type Receive, within } from './attempt.ts'
import type { Fetch } from './fetch.ts'

/** Detects a proxy that holds a response back until it ends. */
export interface Buffering {
  /**
   * The longest duration of the next stream, in milliseconds, if it must be short so that its
   * events get through.
   */
  maxDurationMs(): number | undefined
  /** Called when an attempt has timed out. Resolves with the error to report. */
  timedOut(error: RealtimeError, request: HttpRequest): Promise<RealtimeError>
  /** Called when a stream has opened, with the milliseconds since its request. */
  opened(afterMs: number): void
  /** The error to report while streams must be short. */
  error(): RealtimeError | undefined
}

/** After this many timeouts in a row, another request checks whether the server answers. */
const suspiciousTimeouts = 2
/**
 * The duration of a stream that is held back until its end, in milliseconds. Events are late by up
 * to that time.
 */
const shortMs = 5_000

/** The options of the detection. */
export interface BufferingOptions {
  readonly clock: Clock
  readonly fetch: Fetch
  readonly receive: Receive | undefined
  readonly connectTimeoutMs: number
}

/** Creates the detection for one stream. */
export function createBuffering({
  clock,
  fetch,
  receive,
  connectTimeoutMs,
}: BufferingOptions): Buffering {
  let timeouts = 0
  let found: RealtimeError | undefined
  let hasWarned = false
  // An attempt must not time out before its stream has ended.
  const durationMs = Math.min(shortMs, connectTimeoutMs / 3)

  /**
   * Checks whether another request is answered. Few apps need the code for that, so it is loaded
   * only here. If it can't be loaded, no proxy is detected.
   */
  async function look(request: HttpRequest): Promise<RealtimeError | undefined> {
    try {
      const message = await within(clock, durationMs, new AbortController(), async (signal) => {
        const { probe } = await import('./probe.ts')
        return probe(fetch, request, signal)
      })
      if (!hasWarned) console.warn(message)
      hasWarned = true
      return new RealtimeError('RESPONSE_BUFFERED', message)
    } catch {
      return undefined
    }
  }

  return {
    maxDurationMs: () => found && Math.max(100, Math.floor(durationMs)),
    async timedOut(error, request) {
      timeouts++
      if (receive || timeouts < suspiciousTimeouts) return error
      found = await look(request)
      return found ?? error
    },
    opened(afterMs) {
      timeouts = 0
      if (afterMs < durationMs / 2) found = undefined
    },
    error: () => found,
  }
}
