import { type Clock, elapsedTime } from '@trpc-sse/server'

/** Whether Redis can be used. */
export type RedisStatus =
  | { readonly status: 'lost'; readonly error: unknown }
  | { readonly status: 'connected'; readonly lostForMs: number }

/** Knows which connections can't be had, and tells when the first is lost and the last is back. */
export interface Outage {
  /** A connection can't be had. A connection that breaks and is had again at the first attempt isn't lost. */
  failed(connection: unknown, error: unknown): void
  /** It is there, or nobody needs it any more. */
  ended(connection: unknown): void
  /** Tells nothing any more. */
  stop(): void
}

/** Watches for outages, however many connections there are. */
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

/** Logs an outage once when it begins and once when it ends: for apps that take neither the status nor errors. */
export function logStatus(status: RedisStatus): void {
  if (status.status === 'connected') {
    console.info(
      `trpc-sse: Redis can be reached again, after ${Math.round(status.lostForMs / 1_000)} s.`,
    )
    return
  }
  const { error } = status
  const why = error instanceof Error ? error.message : String(error)
  console.warn(`trpc-sse: Redis can't be reached, and is tried again until it can: ${why}`)
}
