import { logKeyOf } from '@trpc-sse/redis'
import { Cluster, type Redis } from 'ioredis'
import type { RedisConnection } from './connect.ts'

/** What to look for. */
export interface ScanOptions {
  /** Only the logs of the channel of this name. */
  readonly name?: string | undefined
  /** The maximum number of logs to find. */
  readonly limit: number
  /** The maximum number of keys of Redis to look at, approximately. */
  readonly scanLimit: number
  readonly signal: AbortSignal
}

/** The logs that were found. */
export interface ScanResult {
  readonly keys: readonly string[]
  /** The limit at which the scan stopped; `undefined` if it has seen everything. */
  readonly stoppedAt: 'limit' | 'scan-limit' | undefined
}

/** The number of keys that Redis looks at in one step. */
const step = 1_000

/** Finds logs with SCAN, in small steps: Redis serves others in between. */
export async function scanLogs(
  { redis, prefix }: RedisConnection,
  { name, limit, scanLimit, signal }: ScanOptions,
): Promise<ScanResult> {
  const start = name === undefined ? '' : encodeURIComponent(JSON.stringify([name]).slice(0, -1))
  const match = `${escapeGlob(prefix)}:{${escapeGlob(start)}*}:last`
  const keys = new Set<string>()
  let seen = 0
  for (const node of mastersOf(redis)) {
    let cursor = '0'
    do {
      signal.throwIfAborted()
      if (seen >= scanLimit) return { keys: [...keys], stoppedAt: 'scan-limit' }
      const [next, found] = await node.scan(cursor, 'MATCH', match, 'COUNT', step)
      seen += step
      cursor = next
      for (const key of found.flatMap((text) => logKeyOf(prefix, text) ?? [])) {
        if (keys.size >= limit && !keys.has(key)) return { keys: [...keys], stoppedAt: 'limit' }
        keys.add(key)
      }
    } while (cursor !== '0')
  }
  return { keys: [...keys], stoppedAt: undefined }
}

function mastersOf(redis: Redis | Cluster): readonly Redis[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis]
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&')
}
