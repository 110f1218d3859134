import { createAdapter } from '@socket.io/redis-streams-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import type { FollowHandlers, Peer, PeerEvent, PeerHost, PeerInstance } from './peer.ts'

async function serve({ server, redisUrl }: PeerHost): Promise<PeerInstance> {
  const redis = new Redis(redisUrl)
  const sockets = new Server(server, {
    adapter: createAdapter(redis, { maxLen: 1_000_000 }),
    connectionStateRecovery: { maxDisconnectionDuration: 2 * 60_000, skipMiddlewares: true },
  })
  return {
    // It returns nothing to wait for.
    async publish(event) {
      sockets.emit('number', event)
    },
    async close() {
      await sockets.close()
      // The sessions of the clients are stored by then.
      await redis.quit()
    },
  }
}

function follow(url: string, { onEvent, onNotice }: FollowHandlers): () => void {
  // Long polling needs a load balancer with sticky sessions.
  const socket = io(url, { transports: ['websocket'], forceNew: true })
  let hasConnected = false
  socket.on('connect', () => {
    if (hasConnected && !socket.recovered) onNotice()
    hasConnected = true
  })
  socket.on('number', (event: PeerEvent) => onEvent(event))
  return () => socket.disconnect()
}

export const socketIo: Peer = {
  name: 'Socket.IO',
  packages: ['socket.io', '@socket.io/redis-streams-adapter', 'socket.io-client'],
  how: 'Connection state recovery on the Redis streams adapter',
  notice: '`connect` with `recovered` false',
  docs: [
    'https://socket.io/docs/v4/connection-state-recovery',
    'https://socket.io/docs/v4/redis-streams-adapter/',
  ],
  serve,
  follow,
}
