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

/** Messages may have values that JSON has not. */
export const transformer = superjson

export const channels = createChannels({
  transformer,
  backend: url === undefined ? memoryBackend() : redisBackend({ url }),
  channels: {
    /** The questions of a chat, and the run that answers each. Your app has them in its database. */
    turns: channel({
      params: chat,
      event: z.object({ runId: z.string(), question }),
      retain: { events: 100, forMs: day },
    }),
    /** The answers. They are remembered longer than what names them. */
    answer: run({ params: chatRun, ...uiMessageDeltas(), leaseMs: 4_000, keepForMs: 2 * day }),
  },
})
