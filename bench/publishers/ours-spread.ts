import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { z } from 'zod'
import { tick } from '../payload.ts'
import type { Publisher } from './publisher.ts'

const channelCount = 5_000

/** `publish`, each time to another channel, so that no two events can be stored together. */
export function createPublisher(url: string): Publisher {
  const channels = createChannels({
    backend: redisBackend({ url }),
    channels: { ticks: channel({ params: z.object({ n: z.number() }), event: tick }) },
  })
  const handles = Array.from({ length: channelCount }, (_, n) => channels.ticks({ n }))
  return {
    size: 1,
    publish: async ([event]) => event && handles[event.n % channelCount]?.publish(event),
  }
}
