// A server process of a peer. It sends its port, and takes events at POST /publish.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { PeerEvent, PeerInstance } from './peer.ts'
import { isPeerName, peers } from './peers.ts'

const { PEER: name = '', PEER_STORE: redisUrl = '' } = process.env
if (!isPeerName(name)) throw new Error(`There is no peer ${name}.`)
const peer = await peers[name]()

const server = createServer((request, response) => {
  if (request.url === '/publish') void publish(request, response)
  else instance.handle?.(request, response)
})
const instance: PeerInstance = await peer.serve({ server, redisUrl })
const publishing = new Set<Promise<void>>()

async function publish(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const one = instance.publish((await json(request)) as PeerEvent)
    publishing.add(one)
    await one.finally(() => publishing.delete(one))
    response.end()
  } catch {
    response.statusCode = 503
    response.end()
  }
}

server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
// A deploy: accept no new requests, finish pending publishes, then end the streams.
process.on('SIGTERM', () => {
  server.close()
  void Promise.allSettled(publishing)
    .then(() => instance.close())
    .then(() => process.exit())
})
// The soak has ended.
process.on('disconnect', () => process.exit())
