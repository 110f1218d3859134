import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { Redis } from 'ioredis'
import type { PeerStore } from './peer.ts'

type Command = readonly [name: string, ...args: ReadonlyArray<string | number>]

/**
 * Starts the part of Upstash's HTTP API that its client uses, in front of a Redis server: commands,
 * pipelines and subscriptions, as https://upstash.com/docs/redis/features/restapi describes them.
 */
export async function startUpstashApi(redisUrl: string): Promise<PeerStore> {
  const redis = quiet(new Redis(redisUrl))
  const server = createServer((request, response) => {
    void answer(redis, request, response).catch((error: Error) => {
      if (!response.headersSent) response.statusCode = 500
      response.end(JSON.stringify({ error: error.message }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      redis.disconnect()
    },
  }
}

async function answer(
  redis: Redis,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', channel] = (request.url ?? '').slice(1).split('/').map(decodeURIComponent)
  if (path === 'subscribe' && channel !== undefined)
    return subscribe(redis.duplicate(), channel, response)
  const isEncoded = request.headers['upstash-encoding'] === 'base64'
  const encode = (result: unknown): unknown => (isEncoded ? encodeReply(result) : result)
  const body = await json(request)
  if (path === 'pipeline') {
    const commands = (body as Command[]).map(([name, ...args]) => [name.toLowerCase(), ...args])
    const results = (await redis.pipeline(commands).exec()) ?? []
    response.end(
      JSON.stringify(
        results.map(([error, result]) =>
          error ? { error: error.message } : { result: encode(result) },
        ),
      ),
    )
    return
  }
  const [name, ...args] = body as Command
  response.end(JSON.stringify({ result: encode(await redis.call(name, ...args)) }))
}

/** Sends a subscription as SSE. When Redis ends it, the response ends. */
async function subscribe(
  subscriber: Redis,
  channel: string,
  response: ServerResponse,
): Promise<void> {
  const end = (): void => {
    subscriber.disconnect()
    response.end()
  }
  quiet(subscriber).once('close', end)
  response.once('close', end)
  subscriber.on('message', (_, message) => {
    response.write(`data: message,${channel},${message}\n\n`)
  })
  await subscriber.subscribe(channel)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`data: subscribe,${channel},1\n\n`)
}

/** Silences the errors of a server that is killed on purpose. */
function quiet(redis: Redis): Redis {
  return redis.on('error', () => {})
}

function encodeReply(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(encodeReply)
  if (typeof reply === 'string' && reply !== 'OK') return Buffer.from(reply).toString('base64')
  return reply
}
