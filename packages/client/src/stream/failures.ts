import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import { type RetryPolicy, reconnectDelayMs } from './retry.ts'

/**
 * Failures of subscriptions in a row, by identity. A subscription that the app starts again after it has failed, as
 * `retryLink` does, is a new one to the link: only by this it waits as one does that the link starts again itself.
 */
export interface Failures {
  /** Adds one. What all members of a subscription are told of the same failure has the same `cause`, and counts once. */
  add(subject: FailedSubject, error: unknown, cause: unknown): void
  /** It has got an event with an id: the count starts again. */
  progressed(identity: string): void
  /** What the next start has to know of the last failure; `undefined` if that was long ago. */
  last(identity: string): LastFailure | undefined
}

/** What has failed. */
export interface FailedSubject {
  readonly identity: string
  readonly path: string
  /** Whether it had worked for a while. */
  readonly hasLasted: boolean
}

/** The last failure of a subscription. */
export interface LastFailure {
  readonly error: unknown
  /** How long a start must wait from now, in milliseconds. After the first failure, not at all: a fresh token may be all it takes. */
  readonly waitMs: number
}

interface Kept {
  readonly count: number
  readonly atMs: number
  readonly waitMs: number
  readonly error: unknown
  readonly cause: unknown
  readonly wasTold: boolean
}

/** Of how many subscriptions failures are kept: those that failed last. All others count as one. */
const mostKept = 100
/** For how long a failure counts, in milliseconds, or for twice the longest wait. */
const countsForMs = 60_000
/** After how many in a row the console is told. */
const worthTelling = 3

/** Creates an empty memory. */
export function createFailures(clock: Clock, retry: RetryPolicy): Failures {
  const elapsedMs = elapsedTime(clock)
  const kept = new Map<string, Kept>()
  const forMs = Math.max(countsForMs, 2 * retry.maxMs)
  // Of the last one there was no room for: where more fail than are kept, each would be the first failure in a long time again.
  let dropped: Kept | undefined

  function recent(identity: string): Kept | undefined {
    const last = kept.get(identity) ?? dropped
    return last && elapsedMs() - last.atMs <= forMs ? last : undefined
  }

  return {
    add({ identity, path, hasLasted }, error, cause) {
      const last = recent(identity)
      if (last?.cause === cause && kept.has(identity)) return
      const count = hasLasted || !last ? 1 : last.count + 1
      // A procedure can fail after every event: only the first failure in a long time is free.
      const failures = Math.max(1, count - 1)
      const waitMs =
        hasLasted || !last ? 0 : reconnectDelayMs(clock, retry, { failures, askedWaitMs: 0 })
      kept.delete(identity)
      const { wasTold = false } = last ?? {}
      const tell = !wasTold && count === worthTelling
      kept.set(identity, {
        count,
        atMs: elapsedMs(),
        waitMs,
        error,
        cause,
        wasTold: wasTold || tell,
      })
      const [oldest] = kept
      if (kept.size > mostKept && oldest) {
        kept.delete(oldest[0])
        dropped = oldest[1]
      }
      if (tell) {
        console.warn(
          `${path} has failed ${count} times in a row. It is tried less and less often.`,
          error,
        )
      }
    },
    progressed(identity) {
      const last = kept.get(identity)
      if (last) kept.set(identity, { ...last, count: 0 })
    },
    last(identity) {
      const last = recent(identity)
      return (
        last && { error: last.error, waitMs: Math.max(0, last.atMs + last.waitMs - elapsedMs()) }
      )
    },
  }
}
