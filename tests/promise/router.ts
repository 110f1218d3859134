import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { type Channels, channel, createChannels } from '@trpc-sse/server'
import superjson from 'superjson'
import { z } from 'zod'

const definitions = {
  numbers: channel({
    event: z.object({ publisher: z.string(), n: z.number(), at: z.date() }),
    retain: { events: 20_000 },
  }),
}

/** Channels over one Redis, the same in every process. */
export function numberChannels(url: string): Channels<typeof definitions> {
  return createChannels({
    backend: redisBackend({ url }),
    transformer: superjson,
    channels: definitions,
    onError: () => {},
  })
}

const t = initTRPC.create({ transformer: superjson })

/** The app of the test: it publishes numbers, and follows them from the first one. */
export function createRouter(channels: Channels<typeof definitions>) {
  return t.router({
    onNumber: t.procedure.subscription((opts) =>
      channels.numbers().subscribe({ ...opts, replay: 'all' }),
    ),
    publish: t.procedure
      .input(z.object({ publisher: z.string(), from: z.number(), to: z.number() }))
      .mutation(async ({ input: { publisher, from, to } }) => {
        for (let n = from; n <= to; n++)
          await channels.numbers().publish({ publisher, n, at: new Date() })
      }),
  })
}

export type NumbersRouter = ReturnType<typeof createRouter>
