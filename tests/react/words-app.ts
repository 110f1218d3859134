import { initTRPC, TRPCError } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { z } from 'zod'

/** Creates a router with one channel of words. */
export function createWordsApp() {
  const channels = createChannels({
    channels: { words: channel({ params: z.object({ topic: z.string() }), event: z.string() }) },
  })
  const t = initTRPC.create()
  const router = t.router({
    onWord: t.procedure.input(z.object({ topic: z.string() })).subscription((opts) => {
      if (opts.input.topic === 'secret')
        throw new TRPCError({ code: 'FORBIDDEN', message: 'not yours' })
      return channels.words(opts.input).subscribe(opts)
    }),
  })
  return { router, channels }
}

/** The router of the page. */
export type WordsRouter = ReturnType<typeof createWordsApp>['router']
