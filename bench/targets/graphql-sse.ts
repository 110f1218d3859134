import { EventEmitter, on } from 'node:events'
import http from 'node:http'
import {
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql'
import { createHandler } from 'graphql-sse/lib/use/http'
import { forEachChannel, post } from './requests.ts'
import type { Target, TargetSettings } from './target.ts'

const query = 'subscription ($channel: Int!) { tick(channel: $channel) { n text } }'

/**
 * graphql-sse in its distinct connections mode: a subscription field whose generator reads an
 * EventEmitter. It has no ids.
 */
export function createTarget({ channels }: TargetSettings): Target {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  let subscribed = 0
  const handler = createHandler({ schema: createSchema(read) })
  const server = http.createServer((request, response) => void handler(request, response))

  async function* read(channel: number): AsyncGenerator<{ tick: unknown }> {
    const live = on(emitter, String(channel))
    subscribed += 1
    try {
      for await (const [tick] of live) yield { tick }
    } finally {
      subscribed -= 1
    }
  }

  return {
    server,
    requests: () =>
      forEachChannel(channels, (channel) =>
        post('/graphql/stream', { query, variables: { channel } }),
      ),
    subscribed: () => subscribed,
    publish: (event, channel) => emitter.emit(String(channel), event),
  }
}

function createSchema(read: (channel: number) => AsyncGenerator<{ tick: unknown }>): GraphQLSchema {
  const type = new GraphQLObjectType({
    name: 'Tick',
    fields: { n: { type: GraphQLInt }, text: { type: GraphQLString } },
  })
  const channel = { type: new GraphQLNonNull(GraphQLInt) }
  return new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { hello: { type: GraphQLString } } }),
    subscription: new GraphQLObjectType({
      name: 'Subscription',
      fields: { tick: { type, args: { channel }, subscribe: (_, { channel }) => read(channel) } },
    }),
  })
}
