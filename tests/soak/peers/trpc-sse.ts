import { createTRPCClient } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPHandler } from '@trpc-sse/server/adapters/standalone'
import { z } from 'zod'
import type { FollowHandlers, Peer, PeerHost, PeerInstance } from './peer.ts'

const event = z.object({ publisher: z.string(), n: z.number(), attempt: z.number() })

function createApp(redisUrl: string) {
  const channels = createChannels({
    backend: redisBackend({ url: redisUrl }, { onError() {} }),
    channels: {
      numbers: channel({ event, retain: { events: 1_000_000, forMs: 3_600_000 } }),
    },
    onError() {},
  })
  const t = initTRPC.create()
  const router = t.router({
    onNumber: t.procedure.subscription((opts) => channels.numbers().subscribe(opts)),
  })
  return { channels, router }
}

type Router = ReturnType<typeof createApp>['router']

async function serve({ redisUrl }: PeerHost): Promise<PeerInstance> {
  const { channels, router } = createApp(redisUrl)
  const handler = createHTTPHandler({ router, channels })
  return {
    handle: handler,
    async publish(payload) {
      const idempotencyKey = `${payload.publisher} ${payload.n}`
      await channels.numbers().publish(payload, { idempotencyKey })
    },
    close: () => handler.link.drain({ overMs: 500 }),
  }
}

function follow(url: string, { onEvent, onNotice }: FollowHandlers): () => void {
  const client = createTRPCClient<Router>({ links: [sseLink({ url })] })
  const subscription = client.onNumber.subscribe(undefined, {
    context: { onGap: onNotice },
    onData: ({ data }) => onEvent(data),
    onError: onNotice,
    onComplete: onNotice,
  })
  return () => subscription.unsubscribe()
}

export const trpcSse: Peer = {
  name: 'this one',
  packages: ['@trpc-sse/server', '@trpc-sse/redis', '@trpc-sse/client'],
  how: 'A channel on Redis, `sseLink`, publishes with an idempotency key',
  notice: '`onGap`, or an error or end of the subscription',
  docs: ['../../docs/resume-and-gaps.md', '../../docs/channels.md'],
  serve,
  follow,
}
