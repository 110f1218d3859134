import { channel, createChannels } from '@trpc-sse/server'
import superjson from 'superjson'
import { z } from 'zod'
import { oncePerProcess } from './once-per-process.ts'

const todo = z.object({ id: z.uuid(), text: z.string(), done: z.boolean(), addedAt: z.date() })

/**
 * The changes of each user's list. The memory backend reaches the pages of this process only. With
 * several processes, or on a serverless platform, add `backend: redisBackend({ url })` of
 * `@trpc-sse/redis`.
 */
export const channels = oncePerProcess('channels', () =>
  createChannels({
    transformer: superjson,
    channels: {
      todos: channel({
        params: z.object({ user: z.string() }),
        event: z.discriminatedUnion('type', [
          z.object({ type: z.literal('put'), todo }),
          z.object({ type: z.literal('removed'), id: z.uuid() }),
        ]),
      }),
    },
  }),
)
