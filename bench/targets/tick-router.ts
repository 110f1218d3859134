import { type AnyTRPCRouter, initTRPC, tracked } from '@trpc/server'
import { z } from 'zod'
import { memorySource } from './memory-source.ts'
import { redisSource } from './redis-source.ts'
import { forEachChannel, get, resume } from './requests.ts'
import type { TargetSettings } from './target.ts'
import type { TickSource } from './tick-source.ts'

/** The input that selects a channel. */
export const tickInput = z.object({ channel: z.number(), lastEventId: z.string().nullish() })

/** Creates the event source of the generators for these settings. */
export function createTickSource(settings: TargetSettings): TickSource {
  return settings.redisUrl === undefined
    ? memorySource(settings)
    : redisSource(settings, settings.redisUrl)
}

/** A router with a tracked generator, as in tRPC's documentation. */
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

/** The requests that subscribe to each channel in tRPC's own protocol. */
export function singleRequests(channels: number, lastEventId: string | undefined): string[] {
  return forEachChannel(channels, (channel) => {
    const input = encodeURIComponent(JSON.stringify({ channel }))
    return get(`/onTick?input=${input}`, resume(lastEventId))
  })
}
