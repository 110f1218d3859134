/**
 * A server process: serves a channel over the Redis at REDIS_URL, and sends its port. On request,
 * it sends its memory use.
 */
import type { AddressInfo } from 'node:net'
import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { z } from 'zod'

/** The memory use of the process, in bytes. */
export interface MemoryUse {
  readonly nowBytes: number
  readonly peakBytes: number
}

const t = initTRPC.create()
const channels = createChannels({
  backend: redisBackend({ url: process.env.REDIS_URL ?? '' }),
  channels: {
    room: channel({ event: z.string(), params: z.string(), retain: { events: 5_000 } }),
  },
})
const router = t.router({
  room: t.procedure
    .input(z.string())
    .subscription((opts) => channels.room(opts.input).subscribe(opts)),
})
const server = createHTTPServer({ router, channels })
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
process.on('message', () => {
  const peakBytes = process.resourceUsage().maxRSS * 1_024
  process.send?.({ nowBytes: process.memoryUsage.rss(), peakBytes } satisfies MemoryUse)
})
// The test that started this process has ended.
process.on('disconnect', () => process.exit())
