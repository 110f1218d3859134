import { type Clock, elapsedTime } from '@trpc-sse/server'

/** A report that Redis was lost, or is connected again. */
export type RedisStatus =
  | { readonly status: 'lost'; readonly error: unknown }
  | { readonly status: 'connected'; readonly lostForMs: number }

/** Tracks connections. Reports when the first one is lost, and when all are back. */
export interface Outage {
  /**
   * Marks a connection as lost. Not called for a connection that breaks but reconnects at the first
   * attempt.
   */
  failed(connection: unknown, error: unknown): void
  /** Marks a connection as back, or as no longer needed. */
  ended(connection: unknown): void
  /** Stops all reports. */
  stop(): void
}

/** Creates an {@link Outage} for any number of connections. */
export function createOutage(clock: Clock, onStatus: (status: RedisStatus) => void): Outage {
  const elapsedMs = elapsedTime(clock)
  const lost = new Set<unknown>()
  let lostAtMs = 0
  let isStopped = false

  return {
    failed(connection, error) {
      const isFirst = lost.size === 0
      lost.add(connection)
      if (!isFirst || isStopped) return
      lostAtMs = elapsedMs()
      onStatus({ status: 'lost', error })
    },
    ended(connection) {
      if (!lost.delete(connection) || lost.size > 0 || isStopped) return
      onStatus({ status: 'connected', lostForMs: Math.round(elapsedMs() - lostAtMs) })
    },
    stop() {
      isStopped = true
    },
  }
}

/**
 * Logs the start and the end of an outage. The default for apps with neither `onStatus` nor
 * `onError`.
 */
export function logStatus(status: RedisStatus): void {
  if (status.status === 'connected') {
    console.info(
      `trpc-sse: Redis can be reached again, after ${Math.round(status.lostForMs / 1_000)} s.`,
    )
    return
  }
  const { error } = status
  const why = error instanceof Error ? error.message : String(error)
  console.warn(`trpc-sse: Redis can't be reached. Retrying until it can: ${why}`)
}
