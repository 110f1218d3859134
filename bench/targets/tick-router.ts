import { type AnyTRPCRouter, initTRPC, tracked } from '@trpc/server'
import { z } from 'zod'
import { memorySource } from './memory-source.ts'
import { redisSource } from './redis-source.ts'
import { forEachChannel, get, resume } from './requests.ts'
import type { TargetSettings } from './target.ts'
import type { TickSource } from './tick-source.ts'

/** What subscribes to a channel. */
export const tickInput = z.object({ channel: z.number(), lastEventId: z.string().nullish() })

/** Where the generators of these settings get their events from. */
export function createTickSource(settings: TargetSettings): TickSource {
  return settings.redisUrl === undefined
    ? memorySource(settings)
    : redisSource(settings, settings.redisUrl)
}

/** A router with a tracked generator, as tRPC's documentation teaches it. */
export function createTickRouter(source: TickSource): AnyTRPCRouter {
  const t = initTRPC.create()
  return t.router({
    onTick: t.procedure.input(tickInput).subscription(async function* ({ input, signal }) {
      const from = {
        ...(signal && { signal }),
        ...(input.lastEventId && { lastEventId: input.lastEventId }),
      }
      for await (const { id, data } of source.read(input.channel, from)) yield tracked(id, data)
    }),
  })
}

/** The requests by which tRPC's protocol subscribes to each channel. */
export function singleRequests(channels: number, lastEventId: string | undefined): string[] {
  return forEachChannel(channels, (channel) => {
    const input = encodeURIComponent(JSON.stringify({ channel }))
    return get(`/onTick?input=${input}`, resume(lastEventId))
  })
}
