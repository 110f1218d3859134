import { Redis } from 'ioredis'
import type { Publisher } from './publisher.ts'

/**
 * The floor: XADD and PUBLISH by themselves, in one pipeline. Not atomic, without expiry, proof of
 * order or idempotency: what a log in Redis costs at least.
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
