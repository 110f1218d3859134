import { redisBackend } from '@trpc-sse/redis'
import { type Backend, channel, createChannels, type PublishOptions } from '@trpc-sse/server'
import { z } from 'zod'

/** How long Redis remembers an idempotency key: a day. */
export const idempotencyMs = 86_400_000

const params = z.object({ customer: z.string() })
const event = z.object({ order: z.string(), status: z.enum(['placed', 'paid', 'shipped']) })
const message = z.object({ channel: z.literal('orders'), params, event })

/** A message for the outbox: a channel, its params and an event. */
export type Message = z.infer<typeof message>

/** Creates the app's channels. The servers and the relay need the same ones. */
export function createAppChannels(backend: Backend) {
  return createChannels({
    backend,
    channels: { orders: channel({ params, event, idempotencyMs }) },
  })
}

/** The backend that servers and relays share. */
export function createBackend(): Backend {
  return redisBackend({ url: process.env.REDIS_URL ?? 'redis://localhost:6379' })
}

/** Publishes a row of the outbox to its channel. Throws a `ZodError` if it isn't a message. */
export async function publishRow(
  channels: ReturnType<typeof createAppChannels>,
  row: unknown,
  options: PublishOptions,
): Promise<void> {
  const { channel, params, event } = message.parse(row)
  await channels[channel](params).publish(event, options)
}
