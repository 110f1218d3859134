import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, memoryBackend } from '@trpc-sse/server'
import superjson from 'superjson'
import { z } from 'zod'

const redisUrl = process.env.REDIS_URL

/** The backend that holds the events, as the page names it. */
export const backendName: 'memory' | 'redis' = redisUrl ? 'redis' : 'memory'

/**
 * All real-time data of the app. Events are described here and nowhere else: the router, the page
 * and its components infer their types.
 */
export const channels = createChannels({
  backend: redisUrl
    ? redisBackend({ url: redisUrl }, { prefix: 'trpc-sse-demo', commandTimeoutMs: 2_000 })
    : memoryBackend(),
  transformer: superjson,
  channels: {
    // #region channel
    chat: channel({
      params: z.object({ room: z.string().max(64) }),
      event: z.object({
        author: z.string().trim().min(1).max(40),
        text: z.string().trim().min(1).max(2_000),
        sentAt: z.date(),
      }),
    }),
    // #endregion
    prices: channel({
      event: z.object({ price: z.number(), at: z.date() }),
      // Ten minutes at four events a second.
      retain: { events: 2_400, forMs: 600_000 },
    }),
    jobs: channel({
      params: z.object({ jobId: z.uuid() }),
      event: z.discriminatedUnion('type', [
        z.object({
          type: z.literal('progress'),
          step: z.number(),
          steps: z.number(),
          stage: z.string(),
          at: z.date(),
        }),
        // The last event of a job. Its subscriptions complete when they read it.
        z.object({ type: z.literal('done') }),
      ]),
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
  // health.ts logs an outage of Redis once, so failed reads are not logged here.
  onError(error, { stage, channel }) {
    if (stage === 'decode') console.error(`${channel}: ${stage} failed`, error)
  },
})
