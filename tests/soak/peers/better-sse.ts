import { createChannel, createSession } from 'better-sse'
import { EventSource } from 'eventsource'
import { Redis } from 'ioredis'
import type { FollowHandlers, Peer, PeerEvent, PeerHost, PeerInstance } from './peer.ts'

async function serve({ redisUrl }: PeerHost): Promise<PeerInstance> {
  const redis = new Redis(redisUrl)
  const subscriber = new Redis(redisUrl)
  const channel = createChannel()
  subscriber.on('message', (_, message) => {
    channel.broadcast(JSON.parse(message) as PeerEvent)
  })
  await subscriber.subscribe('numbers')
  return {
    handle: (request, response) =>
      void createSession(request, response).then((session) => channel.register(session)),
    async publish(event) {
      await redis.publish('numbers', JSON.stringify(event))
    },
    async close() {
      await redis.quit()
    },
  }
}

function follow(url: string, { onEvent, onNotice }: FollowHandlers): () => void {
  const source = new EventSource(url)
  let hasOpened = false
  source.addEventListener('open', () => {
    if (hasOpened) onNotice()
    hasOpened = true
  })
  source.addEventListener('message', ({ data }) => onEvent(JSON.parse(data) as PeerEvent))
  return () => source.close()
}

export const betterSse: Peer = {
  name: 'Better SSE',
  packages: ['better-sse', 'eventsource'],
  how: 'Redis pub/sub into a channel; it keeps no history',
  notice: '`open` of the `EventSource` after the first one',
  docs: [
    'https://matthewwid.github.io/better-sse/guides/channels/',
    'https://matthewwid.github.io/better-sse/reference/comparison/',
  ],
  serve,
  follow,
}
