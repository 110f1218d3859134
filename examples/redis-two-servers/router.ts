import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { z } from 'zod'

const message = z.object({
  id: z.uuid(),
  author: z.string().max(40),
  text: z.string().min(1).max(1_000),
})
const url = process.env.REDIS_URL ?? 'redis://localhost:6379'

// Without this backend, everything works the same, but in one process only.
export const channels = createChannels({
  backend: redisBackend(
    { url },
    { prefix: 'chat', onError: ({ message }) => console.error('Redis:', message) },
  ),
  channels: { chat: channel({ event: message, retain: { events: 1_000, forMs: 86_400_000 } }) },
})

const t = initTRPC.create()

export const appRouter = t.router({
  onMessage: t.procedure.subscription((opts) => channels.chat().subscribe({ ...opts, replay: 10 })),

  // The key makes a retry harmless: the message is stored once.
  send: t.procedure
    .input(message)
    .mutation(({ input }) => channels.chat().publish(input, { idempotencyKey: input.id })),
})

export type AppRouter = typeof appRouter
