import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { type Channels, channel, createChannels } from '@trpc-sse/server'
import { z } from 'zod'

const definitions = {
  log: channel({
    params: z.object({ name: z.string() }),
    event: z.number(),
    retain: { events: 50_000 },
  }),
}

/** Logs of numbers over one Redis, the same in every process. */
export function logChannels(url: string): Channels<typeof definitions> {
  return createChannels({
    backend: redisBackend({ url }),
    channels: definitions,
    onError: () => {},
  })
}

/** Creates the app of these tests. */
export function createRouter(channels: Channels<typeof definitions>, maxDurationMs?: number) {
  const t = initTRPC.create(maxDurationMs === undefined ? {} : { sse: { maxDurationMs } })
  return t.router({
    onNumber: t.procedure
      .input(z.object({ name: z.string() }))
      .subscription((opts) => channels.log(opts.input).subscribe(opts)),
  })
}

export type LogRouter = ReturnType<typeof createRouter>
