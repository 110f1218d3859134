import { initTRPC } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { z } from 'zod'

const note = z.object({ text: z.string().trim().min(1).max(140) })

export const channels = createChannels({
  channels: { wall: channel({ event: note, retain: { events: 200 } }) },
})

const t = initTRPC.create()

export const appRouter = t.router({
  /** All retained notes, then each new one. */
  onNote: t.procedure.subscription((opts) => channels.wall().subscribe({ ...opts, replay: 'all' })),
  pin: t.procedure.input(note).mutation(({ input }) => channels.wall().publish(input)),
})

export type AppRouter = typeof appRouter
