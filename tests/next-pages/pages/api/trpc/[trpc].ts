import { initTRPC } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { createNextApiHandler } from '@trpc-sse/server/adapters/next'
import { z } from 'zod'

const channels = createChannels({ channels: { words: channel({ event: z.string() }) } })
const t = initTRPC.context<{ user: string }>().create()
const router = t.router({
  whoami: t.procedure.query(({ ctx }) => ctx.user),
  say: t.procedure.input(z.string()).mutation(({ input }) => channels.words().publish(input)),
  onWord: t.procedure.subscription((opts) => channels.words().subscribe(opts)),
})

export default createNextApiHandler({
  router,
  channels,
  createContext: ({ req }) => ({ user: req.cookies.user ?? 'nobody' }),
})
