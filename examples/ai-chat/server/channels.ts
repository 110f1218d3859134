import { uiMessageDeltas } from '@trpc-sse/ai/ai-sdk'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, memoryBackend, run } from '@trpc-sse/server'
import superjson from 'superjson'
import { z } from 'zod'

export const chat = z.object({ chatId: z.uuid() })
export const chatRun = chat.extend({ runId: z.string().min(1).max(64) })
export const question = z.object({
  id: z.string().min(1).max(64),
  text: z.string().trim().min(1).max(4_000),
})

const url = process.env.REDIS_URL
const day = 86_400_000

/** Messages may contain values that JSON lacks. */
export const transformer = superjson

export const channels = createChannels({
  transformer,
  backend: url === undefined ? memoryBackend() : redisBackend({ url }),
  channels: {
    /**
     * The questions of a chat, and the run that answers each. Your app keeps them in its database.
     */
    turns: channel({
      params: chat,
      event: z.object({ runId: z.string(), question }),
      retain: { events: 100, forMs: day },
    }),
    /** The answers. They are kept longer than the turns that refer to them. */
    answer: run({ params: chatRun, ...uiMessageDeltas(), leaseMs: 4_000, keepForMs: 2 * day }),
  },
})
