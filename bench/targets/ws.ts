import http from 'node:http'
import { WebSocket, WebSocketServer } from 'ws'
import { forEachChannel, get } from './requests.ts'
import type { Target, TargetSettings } from './target.ts'

const handshake = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
}

/** ws: WebSockets, with the broadcast of its documentation. It has no ids and no resume. */
export function createTarget({ channels }: TargetSettings): Target {
  const subscribers = forEachChannel(channels, () => new Set<WebSocket>())
  const server = http.createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    const channel = subscribers[Number(request.url?.slice(1))]
    socket.on('error', console.error)
    socket.on('close', () => channel?.delete(socket))
    channel?.add(socket)
  })
  return {
    server,
    requests: () => forEachChannel(channels, (channel) => get(`/${channel}`, handshake)),
    subscribed: () => sockets.clients.size,
    publish(event, channel) {
      const data = Buffer.from(JSON.stringify({ id: event.n, data: event }))
      for (const socket of subscribers[channel] ?? []) {
        if (socket.readyState === WebSocket.OPEN) socket.send(data, { binary: false })
      }
    },
  }
}
