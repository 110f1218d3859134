import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import fastifyWebsocket from '@fastify/websocket'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { fastifyTRPCPlugin, linkOf } from '@trpc-sse/server/adapters/fastify'
import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { ask, openRaw } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'

function createApp() {
  const channels = createChannels({ channels: { news: channel({ event: z.string() }) } })
  const t = initTRPC.create()
  const router = t.router({
    onNews: t.procedure.subscription((opts) =>
      channels.news().subscribe({ ...opts, replay: 'all' }),
    ),
    publish: t.procedure.input(z.string()).mutation(({ input }) => channels.news().publish(input)),
    onHello: t.procedure.subscription(async function* () {
      yield 'hello'
    }),
    hello: t.procedure.query(() => 'hello'),
  })
  return { router, channels }
}

/**
 * An app that streams three numbers, one per turn of the event loop, and reports when it is done.
 */
function createCountingApp() {
  const counted = createInbox<'counted'>()
  const t = initTRPC.create()
  const router = t.router({
    onCount: t.procedure.subscription(async function* () {
      for (const number of [1, 2, 3]) {
        await new Promise(setImmediate)
        yield number
      }
      counted.put('counted')
    }),
  })
  return { counted, options: { router } }
}

/** Starts it on a free port. */
async function start(app: FastifyInstance): Promise<string> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

describe('fastifyTRPCPlugin', () => {
  it('runs the hooks of the app, and keeps what they set on streams', async () => {
    const ran = createInbox<string>()
    await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
    app.addHook('onRequest', async (request, reply) => {
      ran.put(`onRequest ${request.method}`)
      reply.header('x-hook', 'yes').header('vary', 'origin').header('set-cookie', ['a=1', 'b=2'])
    })
    app.addHook('preHandler', async (request) => void ran.put(`preHandler ${request.method}`))
    app.addHook('onSend', async (request) => void ran.put(`onSend ${request.method}`))
    app.addHook('onResponse', async (request) => void ran.put(`onResponse ${request.method}`))
    app.addHook(
      'onRequestAbort',
      async (request) => void ran.put(`onRequestAbort ${request.method}`),
    )
    await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: createApp() })
    const url = await start(app)
    const stream = await openRaw(`${url}/trpc/onHello`)
    expect((await stream.over).by).toBe('end')
    expect(stream.headers).toMatchObject({
      'x-hook': 'yes',
      vary: 'origin, trpc-accept, accept',
      'set-cookie': ['a=1', 'b=2'],
    })
    // `onSend` doesn't run for streams, because their headers have already been sent.
    expect(await ran.takeMany(3)).toEqual(['onRequest GET', 'preHandler GET', 'onResponse GET'])
    const left = await openRaw(`${url}/trpc/onNews`)
    left.leave()
    expect(await ran.takeMany(3)).toEqual(['onRequest GET', 'preHandler GET', 'onRequestAbort GET'])
    const call = await openRaw(`${url}/trpc/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '"hi"',
    })
    expect(call.headers).toMatchObject({ 'x-hook': 'yes', 'set-cookie': ['a=1', 'b=2'] })
    expect(call.headers.vary).toContain('origin')
    expect(await ran.takeMany(4)).toEqual([
      'onRequest POST',
      'preHandler POST',
      'onSend POST',
      'onResponse POST',
    ])
  })

  it.each(['GET', 'POST'] as const)(
    'returns a whole stream from app.inject(), by %s',
    async (method) => {
      await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
      const t = initTRPC.create()
      const router = t.router({
        onNumber: t.procedure.subscription(async function* () {
          for (let n = 0; n < 100; n++) yield n
        }),
      })
      const trpcOptions = { router, allowMethodOverride: true }
      await app.register(fastifyTRPCPlugin<typeof router>, { prefix: '/trpc', trpcOptions })
      const body = method === 'POST' && {
        payload: 'null',
        headers: { 'content-type': 'application/json' },
      }
      const { statusCode, payload } = await app.inject({ method, url: '/trpc/onNumber', ...body })
      const numbers = [...payload.matchAll(/^data: (\d+)$/gm)].map(([, n]) => Number(n))
      expect([statusCode, numbers]).toEqual([200, Array.from({ length: 100 }, (_, n) => n)])
      expect(payload).toContain('event: return')
    },
  )

  it('lets a hook refuse a stream', async () => {
    await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
    app.addHook('onRequest', async (_request, reply) =>
      reply.code(401).send({ message: 'Who are you?' }),
    )
    await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: createApp() })
    expect(await ask(`${await start(app)}/trpc/onNews`)).toMatchObject({
      status: 401,
      text: '{"message":"Who are you?"}',
    })
  })

  it('keeps its parsers to itself', async () => {
    await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
    await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: createApp() })
    app.post('/other', async ({ body }) => ({ parsed: body }))
    const post = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    }
    expect(await ask(`${await start(app)}/other`, post)).toEqual({
      status: 200,
      text: '{"parsed":{"a":1}}',
    })
  })

  it('supports a prefix within another one, and no encapsulation', async () => {
    await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
    await app.register(
      (inner, _options, done) => {
        inner.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: createApp() })
        done()
      },
      { prefix: '/api' },
    )
    // As fastify-plugin does.
    const plugin = (instance: FastifyInstance): Promise<void> =>
      fastifyTRPCPlugin(instance, { prefix: '/open', trpcOptions: createApp() })
    await app.register(Object.assign(plugin, { [Symbol.for('skip-override')]: true }))
    const url = await start(app)
    for (const path of ['/api/trpc', '/open']) {
      expect((await ask(`${url}${path}/hello`)).text).toBe('{"result":{"data":"hello"}}')
    }
  })

  it('accepts batches of any length', async () => {
    await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
    await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: createApp() })
    const paths = Array.from({ length: 100 }, () => 'hello').join()
    const { text } = await ask(`${await start(app)}/trpc/${paths}?batch=1&input=%7B%7D`)
    expect(JSON.parse(text)).toHaveLength(100)
  })

  it('drains when the app closes, and is closed as soon as its clients have left', async () => {
    const app = Fastify()
    const trpcOptions = createApp()
    await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions })
    const url = await start(app)
    const streams = await Promise.all([1, 2].map(() => openRaw(`${url}/trpc/onNews`)))
    for (const stream of streams) await stream.nextMany(2)
    const closed = app.close()
    for (const stream of streams) {
      expect((await stream.next()).event).toBe('reconnect')
      stream.leave()
    }
    await closed
    expect(linkOf(trpcOptions.router)?.stats().connections).toBe(0)
  })

  it('gives `inject` the whole of a stream, up to its end', async () => {
    const { options, counted } = createCountingApp()
    await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
    await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: options })
    const single = await app.inject('/trpc/onCount')
    expect(single.headers['content-type']).toBe('text/event-stream')
    expect(single.body.match(/^data: \d+$/gm)).toEqual(['data: 1', 'data: 2', 'data: 3'])
    expect(single.body).toContain('event: return')
    const subscriptions = { k: { path: 'onCount' } }
    const payload = { version: 1, revision: 1, subscriptions }
    await counted.take()
    const multiplexed = app.inject({ method: 'POST', url: '/trpc/~sse', payload }).then()
    await counted.take()
    linkOf(options.router)?.disconnect(() => true)
    expect((await multiplexed).body.match(/^data: \d+$/gm)).toEqual([
      'data: 1',
      'data: 2',
      'data: 3',
    ])
  })

  it('serves WebSockets by useWSS, as tRPC’s plugin does', async () => {
    const app = Fastify()
    const { router, channels } = createApp()
    await app.register(fastifyWebsocket)
    await app.register(fastifyTRPCPlugin, {
      prefix: '/trpc',
      useWSS: true,
      trpcOptions: { router, channels },
    })
    const url = await start(app)
    // Node 20 has no global WebSocket.
    const WebSocketClass = WebSocket as unknown as typeof globalThis.WebSocket
    const socket = createWSClient({
      url: `${url.replace('http', 'ws')}/trpc`,
      WebSocket: WebSocketClass,
    })
    const client = createTRPCClient<typeof router>({ links: [wsLink({ client: socket })] })
    const news = createInbox<string>()
    client.onNews.subscribe(undefined, { onData: ({ data }) => news.put(data) })
    await client.publish.mutate('by a socket')
    expect(await news.take()).toBe('by a socket')
    await socket.close()
    await app.close()
    if (app.server.listening) await once(app.server, 'close')
  })
})
