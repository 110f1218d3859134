import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/fetch'
import { ClientRetryPlugin, type ClientRetryPluginContext } from '@orpc/client/plugins'
import { IORedisPublisher } from '@orpc/experimental-publisher/ioredis'
import { os, type RouterClient } from '@orpc/server'
import { RPCHandler } from '@orpc/server/node'
import { Redis } from 'ioredis'
import { followForever } from './follow-forever.ts'
import type { FollowHandlers, Peer, PeerEvent, PeerHost, PeerInstance } from './peer.ts'

type Events = Record<string, PeerEvent>

function createRouter(publisher: IORedisPublisher<Events>) {
  return {
    onNumber: os.handler(async function* ({ signal, lastEventId }) {
      for await (const event of publisher.subscribe('numbers', { signal, lastEventId })) yield event
    }),
  }
}

async function serve({ redisUrl }: PeerHost): Promise<PeerInstance> {
  const commander = new Redis(redisUrl)
  const publisher = new IORedisPublisher<Events>({
    commander,
    listener: new Redis(redisUrl),
    resumeRetentionSeconds: 3_600,
    // By default, a subscriber's oldest event is dropped when more than 100 wait.
    maxBufferedEvents: Number.POSITIVE_INFINITY,
  })
  const handler = new RPCHandler(createRouter(publisher))
  return {
    handle: (request, response) => void handler.handle(request, response, { context: {} }),
    publish: (event) => publisher.publish('numbers', event),
    async close() {
      await commander.quit()
    },
  }
}

type Client = RouterClient<ReturnType<typeof createRouter>, ClientRetryPluginContext>

function follow(url: string, handlers: FollowHandlers): () => void {
  const link = new RPCLink<ClientRetryPluginContext>({ url, plugins: [new ClientRetryPlugin()] })
  const client: Client = createORPCClient(link)
  const context = { retry: Number.POSITIVE_INFINITY }
  return followForever(async function* (signal) {
    yield* await client.onNumber(undefined, { signal, context })
  }, handlers)
}

export const orpc: Peer = {
  name: 'oRPC',
  packages: ['@orpc/experimental-publisher', '@orpc/server', '@orpc/client'],
  how: '`IORedisPublisher` with resume, `ClientRetryPlugin`',
  notice: 'an error or end of the iterator',
  docs: ['https://orpc.dev/docs/helpers/publisher', 'https://orpc.dev/docs/plugins/client-retry'],
  serve,
  follow,
}
