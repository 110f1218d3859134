import { Redis } from 'ioredis'
import type { Publisher } from './publisher.ts'

/**
 * The floor, the least that a log in Redis costs: XADD and PUBLISH in one pipeline. It isn't
 * atomic, and has no expiry, no proof of order and no idempotency.
 */
export function createPublisher(url: string): Publisher {
  const redis = new Redis(url, { enableAutoPipelining: true })
  return {
    size: 1,
    publish([event]) {
      const data = JSON.stringify(event)
      return Promise.all([
        redis.xadd('ticks', 'MAXLEN', '~', 1_000, '*', 'data', data),
        redis.publish('ticks', data),
      ])
    },
  }
}
