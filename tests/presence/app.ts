import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { z } from 'zod'

const input = z.object({ room: z.string(), user: z.string() })
const member = z.object({ name: z.string() })
const t = initTRPC.create()

/** How long a member stays after its last subscription, in milliseconds. */
export const graceMs = 3_000

/** Creates the channels and the router of one instance. */
export function createApp(redisUrl: string) {
  const channels = createChannels({
    backend: redisBackend({ url: redisUrl }),
    channels: {
      room: channel({
        params: z.string(),
        event: z.string(),
        presence: { member, max: 20_000, graceMs },
      }),
    },
    onError() {},
  })
  const router = t.router({
    /** Holds the user, and sends who is there. */
    onMember: t.procedure.input(input).subscription(async (opts) => {
      const { presence } = channels.room(opts.input.room)
      await presence.hold(opts, { key: opts.input.user, value: { name: opts.input.user } })
      return presence.live(opts)
    }),
    /** Holds the user, and sends nothing. */
    onHold: t.procedure.input(input).subscription(async function* (opts) {
      const { presence } = channels.room(opts.input.room)
      await presence.hold(opts, { key: opts.input.user, value: { name: opts.input.user } })
      yield 'held'
      await new Promise((resolve) => opts.signal?.addEventListener('abort', resolve))
    }),
    /** Sends who is there. */
    onRoom: t.procedure
      .input(z.object({ room: z.string() }))
      .subscription((opts) => channels.room(opts.input.room).presence.live(opts)),
  })
  return { channels, router }
}

export type AppRouter = ReturnType<typeof createApp>['router']
