import http from 'node:http'
import type { Publisher } from '@orpc/experimental-publisher'
import { IORedisPublisher } from '@orpc/experimental-publisher/ioredis'
import { MemoryPublisher } from '@orpc/experimental-publisher/memory'
import { os } from '@orpc/server'
import { RPCHandler } from '@orpc/server/node'
import { Redis } from 'ioredis'
import { z } from 'zod'
import type { Tick } from '../payload.ts'
import { forEachChannel, post, resume } from './requests.ts'
import type { Target, TargetSettings } from './target.ts'

// By default, oRPC drops a subscriber's oldest event when more than 100 wait. Here, all events must
// arrive.
const maxBufferedEvents = Infinity
const resumeRetentionSeconds = 120

type Ticks = Record<string, Tick>

/** oRPC's publisher behind an event iterator. */
export function createTarget({ channels, redisUrl }: TargetSettings): Target {
  const publisher = createPublisher(redisUrl)
  let subscribed = 0
  const onTick = os.input(z.object({ channel: z.number() })).handler(async function* ({
    input,
    signal,
    lastEventId,
  }) {
    const events = publisher.subscribe(String(input.channel), { signal, lastEventId })
    subscribed += 1
    try {
      for await (const event of events) yield event
    } finally {
      subscribed -= 1
    }
  })
  const handler = new RPCHandler({ onTick })
  return {
    server: http.createServer(
      (request, response) => void handler.handle(request, response, { context: {} }),
    ),
    requests: (lastEventId) =>
      forEachChannel(channels, (channel) =>
        post('/onTick', { json: { channel } }, resume(lastEventId)),
      ),
    subscribed: () => subscribed,
    publish: (event, channel) => publisher.publish(String(channel), event),
  }
}

function createPublisher(redisUrl: string | undefined): Publisher<Ticks> {
  const options = { resumeRetentionSeconds, maxBufferedEvents }
  if (redisUrl === undefined) return new MemoryPublisher<Ticks>(options)
  const commander = new Redis(redisUrl, { enableAutoPipelining: true })
  return new IORedisPublisher<Ticks>({ ...options, commander, listener: commander.duplicate() })
}
