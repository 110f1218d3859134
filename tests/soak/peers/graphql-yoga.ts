import { createRedisEventTarget } from '@graphql-yoga/redis-event-target'
import { createClient } from 'graphql-sse'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { Redis } from 'ioredis'
import { followForever } from './follow-forever.ts'
import type { FollowHandlers, Peer, PeerEvent, PeerHost, PeerInstance } from './peer.ts'

const typeDefs = `
  type Number { publisher: String!, n: Int!, attempt: Int! }
  type Query { hello: String }
  type Subscription { number: Number! }`

type Topics = { number: [event: PeerEvent] }

async function serve({ redisUrl }: PeerHost): Promise<PeerInstance> {
  const publishClient = new Redis(redisUrl)
  const subscribeClient = new Redis(redisUrl)
  const eventTarget = createRedisEventTarget({ publishClient, subscribeClient })
  const pubSub = createPubSub<Topics>({ eventTarget })
  const schema = createSchema({
    typeDefs,
    resolvers: {
      Subscription: {
        number: {
          subscribe: () => pubSub.subscribe('number'),
          resolve: (event: PeerEvent) => event,
        },
      },
    },
  })
  const yoga = createYoga({ schema, logging: false })
  return {
    handle: (request, response) => void yoga(request, response),
    // It returns nothing to wait for.
    publish: async (event) => pubSub.publish('number', event),
    async close() {
      await publishClient.quit()
    },
  }
}

function follow(url: string, handlers: FollowHandlers): () => void {
  const client = createClient({
    url: `${url}/graphql`,
    retryAttempts: Number.POSITIVE_INFINITY,
    on: {
      connected: (isReconnected) => {
        if (isReconnected) handlers.onNotice()
      },
    },
  })
  const query = 'subscription { number { publisher n attempt } }'
  const stop = followForever(async function* () {
    for await (const { data } of client.iterate<{ number: PeerEvent }>({ query }))
      if (data) yield data.number
  }, handlers)
  return () => {
    stop()
    client.dispose()
  }
}

export const graphqlYoga: Peer = {
  name: 'GraphQL Yoga',
  packages: ['graphql-yoga', '@graphql-yoga/redis-event-target', 'graphql-sse'],
  how: '`createPubSub` on the Redis event target, client of graphql-sse; it keeps no history',
  notice: '`connected` after a reconnect, or an error or end of the subscription',
  docs: [
    'https://the-guild.dev/graphql/yoga-server/docs/features/subscriptions#distributed-pubsub-for-production',
    'https://the-guild.dev/graphql/sse/recipes',
  ],
  serve,
  follow,
}
