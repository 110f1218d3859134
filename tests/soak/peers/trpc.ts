import { EventEmitter, on } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTRPCClient, httpSubscriptionLink } from '@trpc/client'
import { initTRPC, type TrackedEnvelope, tracked } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import { compareEventIds } from '@trpc-sse/server'
import { EventSource } from 'eventsource'
import { Redis } from 'ioredis'
import { z } from 'zod'
import type { FollowHandlers, Peer, PeerEvent, PeerHost, PeerInstance } from './peer.ts'

/** An event as it is stored. */
interface Stored {
  readonly id: string
  readonly event: PeerEvent
}

const key = 'numbers'
/** Stores an event and announces it in one step, so that the order of both is the same. */
const publishScript = `
  local id = redis.call('XADD', KEYS[1], '*', 'event', ARGV[1])
  redis.call('PUBLISH', KEYS[1], '{"id":"' .. id .. '","event":' .. ARGV[1] .. '}')`

const input = z.object({ lastEventId: z.string().nullish() }).optional()
const t = initTRPC.create({
  sse: {
    ping: { enabled: true, intervalMs: 2_000 },
    client: { reconnectAfterInactivityMs: 5_000 },
  },
})

/** Subscribes to an emitter first, then reads what is stored, and leaves out what was sent. */
function emitterRouter(redis: Redis, emitter: EventEmitter) {
  return t.router({
    onNumber: t.procedure.input(input).subscription(async function* (opts) {
      const live = on(emitter, key, { signal: opts.signal })
      let last = opts.input?.lastEventId
      function* unsent(stored: Stored): Generator<TrackedEnvelope<PeerEvent>> {
        if (last && compareEventIds(stored.id, last) <= 0) return
        yield tracked(stored.id, stored.event)
        last = stored.id
      }
      if (last) for (const stored of await storedAfter(redis, last)) yield* unsent(stored)
      for await (const [stored] of live) yield* unsent(stored as Stored)
    }),
  })
}

/** Reads what is new, once a second. */
function loopRouter(redis: Redis) {
  return t.router({
    onNumber: t.procedure.input(input).subscription(async function* (opts) {
      let last = opts.input?.lastEventId ?? '0-0'
      while (!opts.signal?.aborted) {
        for (const { id, event } of await storedAfter(redis, last)) {
          yield tracked(id, event)
          last = id
        }
        await sleep(1_000)
      }
    }),
  })
}

async function storedAfter(redis: Redis, id: string): Promise<Stored[]> {
  const entries = await redis.xrange(key, `(${id}`, '+')
  return entries.map(([id, fields]) => ({ id, event: JSON.parse(fields[1] ?? '') as PeerEvent }))
}

type Router = ReturnType<typeof loopRouter>

async function serve(
  { redisUrl }: PeerHost,
  createRouter: (redis: Redis, emitter: EventEmitter) => Router,
): Promise<PeerInstance> {
  const redis = new Redis(redisUrl)
  const subscriber = new Redis(redisUrl)
  const emitter = new EventEmitter().setMaxListeners(0)
  subscriber.on('message', (_, message) => emitter.emit(key, JSON.parse(message)))
  await subscriber.subscribe(key)
  return {
    handle: createHTTPHandler({ router: createRouter(redis, emitter) }),
    async publish(event) {
      await redis.eval(publishScript, 1, key, JSON.stringify(event))
    },
    async close() {
      await redis.quit()
    },
  }
}

function follow(url: string, { onEvent, onNotice }: FollowHandlers): () => void {
  const client = createTRPCClient<Router>({ links: [httpSubscriptionLink({ url, EventSource })] })
  const subscription = client.onNumber.subscribe(undefined, {
    onData: ({ data }) => onEvent(data),
    onError: onNotice,
    onComplete: onNotice,
  })
  return () => subscription.unsubscribe()
}

const shared = {
  packages: ['@trpc/server', '@trpc/client'],
  notice: 'an error or end of the subscription',
  docs: ['https://trpc.io/docs/server/subscriptions#tracked'],
  follow,
}

export const trpcEmitter: Peer = {
  ...shared,
  name: 'tRPC, emitter',
  how: '`tracked()`: the stored events after `lastEventId`, then an emitter that Redis pub/sub feeds',
  docs: [...shared.docs, 'https://github.com/trpc/examples-next-sse-chat'],
  serve: (host) => serve(host, emitterRouter),
}

export const trpcLoop: Peer = {
  ...shared,
  name: 'tRPC, loop',
  how: '`tracked()`, “pull data in a loop”: a read each second for each client',
  docs: ['https://trpc.io/docs/server/subscriptions#pull-data-in-a-loop'],
  serve: (host) => serve(host, loopRouter),
}
