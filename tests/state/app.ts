import { redisBackend } from '@trpc-sse/redis'
import { type Backend, createChannels, memoryBackend, stateChannel } from '@trpc-sse/server'
import { z } from 'zod'

/** The retained changes: few, so that readers that were away need another snapshot. */
export const retain = { events: 1_000, forMs: 600_000 }

export const backendOf = (redisUrl: string | undefined): Backend =>
  redisUrl === undefined ? memoryBackend() : redisBackend({ url: redisUrl })

/** Creates the channels of one process, on the Redis at a URL or in memory. */
export function createApp(backend: Backend, conflate = false) {
  return createChannels({
    backend,
    channels: {
      map: stateChannel({ value: z.number(), entries: { max: 1_000 }, retain, conflate }),
    },
    window: { events: 100 },
    onError() {},
  })
}

export type App = ReturnType<typeof createApp>
