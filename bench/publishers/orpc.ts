import { IORedisPublisher } from '@orpc/experimental-publisher/ioredis'
import { Redis } from 'ioredis'
import type { Tick } from '../payload.ts'
import type { Publisher } from './publisher.ts'

/** oRPC's publisher, which keeps events for two minutes: XADD, then PUBLISH. */
export function createPublisher(url: string): Publisher {
  const commander = new Redis(url, { enableAutoPipelining: true })
  const publisher = new IORedisPublisher<Record<string, Tick>>({
    commander,
    listener: commander.duplicate({ lazyConnect: true }),
    resumeRetentionSeconds: 120,
  })
  return { size: 1, publish: async ([event]) => event && publisher.publish('ticks', event) }
}
