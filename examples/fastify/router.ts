import { initTRPC } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { z } from 'zod'
import type { createContext } from './auth.ts'

const user = z.string().max(40)

// Each user has an inbox with its own log.
export const channels = createChannels({
  channels: {
    inbox: channel({
      params: z.object({ user }),
      event: z.object({ from: z.string(), text: z.string() }),
      retain: { events: 100 },
    }),
  },
})

const t = initTRPC.context<typeof createContext>().create()

export const appRouter = t.router({
  /** The token selects the inbox. Without an input, no client can ask for another user's. */
  onMessage: t.procedure.subscription((opts) =>
    channels.inbox({ user: opts.ctx.user }).subscribe({ ...opts, replay: 10 }),
  ),

  send: t.procedure
    .input(z.object({ to: user, text: z.string().min(1).max(1_000) }))
    .mutation(({ ctx, input: { to, text } }) =>
      channels.inbox({ user: to }).publish({ from: ctx.user, text }),
    ),
})

export type AppRouter = typeof appRouter
