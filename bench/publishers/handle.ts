import { redisBackend } from '@trpc-sse/redis'
import { type ChannelHandle, channel, createChannels } from '@trpc-sse/server'
import { type Tick, tick } from '../payload.ts'

/** A channel of ours in Redis. */
export function createHandle(url: string): ChannelHandle<Tick, Tick> {
  return createChannels({
    backend: redisBackend({ url }),
    channels: { ticks: channel({ event: tick }) },
  }).ticks()
}
