import { type Clock, elapsedTime } from '@trpc-sse/server'

/** Whether Redis can be reached. */
export type RedisStatus =
  | { readonly status: 'lost'; readonly error: unknown }
  | { readonly status: 'connected'; readonly lostForMs: number }

/** Watches connections, and reports when the first is lost and when the last is back. */
export interface Outage {
  /**
   * Marks a connection as lost. One that breaks and is back at the first attempt isn't lost.
   */
  failed(connection: unknown, error: unknown): void
  /** Marks a connection as back, or as no longer needed. */
  ended(connection: unknown): void
  /** Ends all reports. */
  stop(): void
}

/** Creates a watcher for any number of connections. */
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
 * Logs an outage once when it begins and once when it ends. For apps with neither `onStatus` nor
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
