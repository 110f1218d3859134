import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { type Channels, channel, createChannels } from '@trpc-sse/server'
import { Cluster, Redis } from 'ioredis'
import { z } from 'zod'

/** The address of the store, which is sent to server processes as JSON. */
export type StoreAddress =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'sentinels'
      readonly name: string
      readonly sentinels: ReadonlyArray<{ readonly host: string; readonly port: number }>
    }
  | { readonly kind: 'cluster'; readonly ports: readonly number[] }

/**
 * The rooms that every page reads. `brief` retains few events, so that a page that was away gets a
 * gap.
 */
export const rooms = ['red', 'blue', 'brief'] as const
export type Room = (typeof rooms)[number]

const event = z.object({ room: z.string(), publisher: z.string(), n: z.number() })
/** An event. Each publisher numbers its events in a room from 1. */
export type SoakEvent = z.infer<typeof event>

const params = z.object({ room: z.enum(rooms) })
const hourMs = 3_600_000
const definitions = {
  long: channel({ params, event, retain: { events: 1_000_000, forMs: 3 * hourMs } }),
  brief: channel({ params, event, retain: { events: 40, forMs: hourMs } }),
}

/** Creates the channels of a process. */
export function soakChannels(address: StoreAddress): Channels<typeof definitions> {
  return createChannels({
    backend: redisBackend(connectionTo(address), { onError() {}, commandTimeoutMs: 3_000 }),
    channels: definitions,
    onError() {},
  })
}

function connectionTo(address: StoreAddress): { url: string } | { redis: Redis | Cluster } {
  if (address.kind === 'url') return { url: address.url }
  const redis =
    address.kind === 'cluster'
      ? new Cluster(address.ports.map((port) => ({ host: '127.0.0.1', port })))
      : new Redis({ name: address.name, sentinels: [...address.sentinels] })
  redis.on('error', () => {})
  return { redis }
}

const t = initTRPC.create()

/** Creates the router of a process. */
export function soakRouter(channels: Channels<typeof definitions>) {
  const handleOf = (room: Room) =>
    room === 'brief' ? channels.brief({ room }) : channels.long({ room })
  return t.router({
    onEvent: t.procedure
      .input(z.object({ room: z.enum(rooms), replay: z.enum(['all', 'none']) }))
      .subscription((opts) => {
        const { room, replay } = opts.input
        return handleOf(room).subscribe({ ...opts, replay: replay === 'all' ? 'all' : 0 })
      }),
    publish: t.procedure
      .input(event.extend({ room: z.enum(rooms) }))
      .mutation(async ({ input }) => {
        const idempotencyKey = `${input.publisher} ${input.n}`
        return await handleOf(input.room).publish(input, { idempotencyKey })
      }),
  })
}

export type SoakRouter = ReturnType<typeof soakRouter>
