import { redisBackend } from '@trpc-sse/redis'
import { type ChannelHandle, channel, createChannels } from '@trpc-sse/server'
import { type Tick, tick } from '../payload.ts'

/** One of our channels, in Redis. */
export function createHandle(url: string): ChannelHandle<Tick, Tick> {
  return createChannels({
    backend: redisBackend({ url }),
    channels: { ticks: channel({ event: tick }) },
  }).ticks()
}
