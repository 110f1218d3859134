import { type Clock, RealtimeError } from '@trpc-sse/protocol'
import type { HttpRequest } from '../wire/request.ts'
import { type Receive, within } from './attempt.ts'
import type { Fetch } from './fetch.ts'

/** Finds out whether something on the way to the server holds a response back until it ends. */
export interface Buffering {
  /** How long the next stream may last, in milliseconds, if it has to be short so that its events get through. */
  maxDurationMs(): number | undefined
  /** An attempt has timed out with this error; resolves with what to say of it. */
  timedOut(error: RealtimeError, request: HttpRequest): Promise<RealtimeError>
  /** A stream has opened, so many milliseconds after it was asked for. */
  opened(afterMs: number): void
  /** What to say while streams have to be short. */
  error(): RealtimeError | undefined
}

/** After how many attempts in a row without a byte another request is made, to see whether that is answered. */
const suspiciousTimeouts = 2
/** How long a stream lasts that is held back until its end, in milliseconds: so late can events be. */
const shortMs = 5_000

/** What an attempt is made with. */
export interface BufferingOptions {
  readonly clock: Clock
  readonly fetch: Fetch
  readonly receive: Receive | undefined
  readonly connectTimeoutMs: number
}

/** Creates what a stream knows of its way to the server. */
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

  /** Looks whether another request is answered. Few need that, so it is loaded here; if it can't be, nothing is found. */
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
