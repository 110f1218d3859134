import { initTRPC } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { z } from 'zod'
import { tick } from '../payload.ts'
import type { Target } from './target.ts'

/** A channel, on the memory backend, behind a procedure that returns its subscription. */
export function createTarget(): Target {
  const channels = createChannels({ channels: { ticks: channel({ event: tick }) } })
  const ticks = channels.ticks()
  const t = initTRPC.create()
  const router = t.router({
    onTick: t.procedure
      .input(z.object({ lastEventId: z.string().nullish() }).optional())
      .subscription((opts) => ticks.subscribe(opts)),
  })
  return {
    // All connections come from one address here.
    server: createHTTPServer({ router, channels, limits: { connectionsPerKey: 10_000 } }),
    path: '/onTick',
    publish: (event) => void ticks.publish(event),
  }
}
