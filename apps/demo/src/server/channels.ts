import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, memoryBackend } from '@trpc-sse/server'
import superjson from 'superjson'
import { z } from 'zod'

const redisUrl = process.env.REDIS_URL

/** Where the events live, in words for the page. */
export const backendName: 'memory' | 'redis' = redisUrl ? 'redis' : 'memory'

/**
 * All real-time data of the app. What an event is, is written here and nowhere else: routers, the page and its
 * components get the types by inference.
 */
export const channels = createChannels({
  backend: redisUrl
    ? redisBackend({ url: redisUrl }, { prefix: 'trpc-sse-demo', commandTimeoutMs: 2_000 })
    : memoryBackend(),
  transformer: superjson,
  channels: {
    chat: channel({
      params: z.object({ room: z.string().min(1).max(64) }),
      event: z.object({
        author: z.string().trim().min(1).max(40),
        text: z.string().trim().min(1).max(2_000),
        sentAt: z.date(),
      }),
    }),
    prices: channel({
      event: z.object({ price: z.number(), at: z.date() }),
      // Ten minutes of four a second.
      retain: { events: 2_400, forMs: 600_000 },
    }),
    jobs: channel({
      params: z.object({ jobId: z.uuid() }),
      event: z.object({ done: z.number(), total: z.number(), doing: z.string(), at: z.date() }),
      retain: { events: 200, forMs: 3_600_000 },
    }),
    notifications: channel({
      event: z.object({ text: z.string().max(200), at: z.date() }),
      retain: { events: 200, forMs: 3_600_000 },
    }),
    load: channel({
      event: z.object({ instance: z.number(), connections: z.number(), subscriptions: z.number() }),
      retain: { events: 1_000, forMs: 600_000 },
    }),
  },
  // The page shows that Redis is away, and src/server/health.ts logs it once: not every failed read.
  onError(error, { stage, channel }) {
    if (stage === 'decode') console.error(`${channel}: ${stage} failed`, error)
  },
})
