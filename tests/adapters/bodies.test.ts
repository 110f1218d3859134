import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runInNewContext } from 'node:vm'
import { initTRPC } from '@trpc/server'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import { fastifyRequestHandler, fastifyTRPCPlugin } from '@trpc-sse/server/adapters/fastify'
import { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
import { nodeHTTPRequestHandler } from '@trpc-sse/server/adapters/node-http'
import { createHTTPHandler } from '@trpc-sse/server/adapters/standalone'
import express, { type Handler } from 'express'
import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { fetchServer } from '../support/fetch-server.ts'
import { ask, listen, openRaw } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'

const t = initTRPC.create()
const router = t.router({
  onHello: t.procedure.subscription(async function* () {
    yield 'hello'
  }),
  onNothing: t.procedure.subscription(async function* ({ signal }): AsyncGenerator<string> {
    await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  }),
})

const open = (path = 'onHello') => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ version: 1, revision: 1, subscriptions: { a: { path } } }),
})

/** Opens a stream, and returns its subscription's value, or the reason why it isn't opened. */
async function say(url: string, path?: string): Promise<{ status: number; text: string }> {
  using stream = await openRaw(url, open(path))
  if (stream.status === 200) {
    // `$connected`, `$started`, and then the value.
    return { status: 200, text: (await stream.nextMany(3)).at(-1)?.data ?? '' }
  }
  return { status: stream.status, text: (await stream.over).text }
}

type Middleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void

/** Reads the body as middleware does, and passes it to a callback. */
const reads =
  (handOn: (body: Buffer) => unknown): Middleware =>
  async (req, _res, next) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    const given = handOn(Buffer.concat(chunks))
    if (given !== undefined) Object.assign(req, { body: given })
    next()
  }

const nodeAdapters: Readonly<Record<string, (middleware: Middleware) => http.Server>> = {
  standalone: (middleware) => http.createServer(createHTTPHandler({ router, middleware })),
  nodeHttp: (middleware) =>
    http.createServer((req, res) => {
      void nodeHTTPRequestHandler({ router, middleware, req, res, path: (req.url ?? '').slice(1) })
    }),
  express: (middleware) =>
    http.createServer(express().use(middleware as Handler, createExpressMiddleware({ router }))),
}

describe.each(Object.entries(nodeAdapters))(
  'a body that was read before ~sse: %s',
  (_name, create) => {
    it.each<[string, (body: Buffer) => unknown]>([
      ['parsed', (body) => JSON.parse(body.toString())],
      ['a string', (body) => body.toString()],
      ['a Buffer', (body) => body],
      ['a Uint8Array', (body) => Uint8Array.from(body)],
      [
        'a Uint8Array of another realm',
        (body) => runInNewContext('Uint8Array.from(body)', { body: [...body] }),
      ],
      ['an ArrayBuffer', (body) => Uint8Array.from(body).buffer],
      ['a DataView', (body) => new DataView(Uint8Array.from(body).buffer)],
    ])('is taken: %s', async (_how, handOn) => {
      await using server = await listen(create(reads(handOn)))
      const { status, text } = await say(`${server.url}/~sse`)
      expect([status, text]).toEqual([200, expect.stringContaining('"hello"')])
    })

    it.each([undefined, null])(
      'is refused with a reason if it was passed on as %s',
      async (given) => {
        await using server = await listen(create(reads(() => given)))
        const { status, text } = await say(`${server.url}/~sse`)
        expect([status, text]).toEqual([
          400,
          expect.stringMatching(/already been read, by a middleware.*request\.body/),
        ])
      },
    )

    it('is read where a parser has left an empty object and the body, as those of Express 4 do', async () => {
      const parser: Middleware = (req, _res, next) => {
        Object.assign(req, { body: {} })
        next()
      }
      await using server = await listen(create(parser))
      expect((await say(`${server.url}/~sse`)).text).toContain('"hello"')
    })
  },
)

describe('a body that was read before ~sse: fetch', () => {
  it.each<[string, (req: Request) => unknown]>([
    ['read', (req) => req.text()],
    ['being read', (req) => req.body?.getReader()],
  ])('is refused with a reason if it was %s', async (_how, use) => {
    const server = fetchServer(async (req) => {
      await use(req)
      return await fetchRequestHandler({ router, req, endpoint: '/' })
    })
    await using served = await listen(server)
    const { status, text } = await say(`${served.url}/~sse`)
    expect([status, text]).toEqual([400, expect.stringMatching(/already been read.*clone/)])
  })
})

describe('a body that was read before ~sse: Fastify', () => {
  async function start(app: FastifyInstance): Promise<string> {
    await app.listen({ port: 0, host: '127.0.0.1' })
    return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  }

  it('is taken in a route of the app’s own, as Fastify parses it', async () => {
    await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
    app.all<{ Params: { path: string } }>('/trpc/:path', async (req, res) => {
      await fastifyRequestHandler({ router, req, res, path: req.params.path })
    })
    const url = await start(app)
    expect((await say(`${url}/trpc/~sse`)).text).toContain('"hello"')
    expect((await ask(`${url}/trpc/onHello`)).text).toContain('"hello"')
    expect((await ask(`${url}/trpc/nothing`)).status).toBe(404)
  })

  it.each<[string, (app: FastifyInstance) => unknown]>([
    [
      'parses',
      (app) =>
        app.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) =>
          done(null, JSON.parse(String(body))),
        ),
    ],
    [
      'gives bytes',
      (app) =>
        app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) =>
          done(null, body),
        ),
    ],
  ])('is accepted if the app has a parser that %s', async (_how, add) => {
    await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
    app.removeContentTypeParser('application/json')
    add(app)
    app.all<{ Params: { path: string } }>('/own/:path', async (req, res) => {
      await fastifyRequestHandler({ router, req, res, path: req.params.path })
    })
    await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: { router } })
    const url = await start(app)
    for (const base of ['own', 'trpc']) {
      expect((await say(`${url}/${base}/~sse`)).text).toContain('"hello"')
    }
  })

  it('runs onResponse once for each stream of ~sse, even if its client leaves', async () => {
    const ran = createInbox<string>()
    await using app = Object.assign(Fastify(), { [Symbol.asyncDispose]: () => app.close() })
    app.addHook('onResponse', async ({ url }) => ran.put(url))
    await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: { router } })
    const url = await start(app)
    const left = await openRaw(`${url}/trpc/~sse?left`, open('onNothing'))
    await left.next()
    left.leave()
    expect(await ran.take()).toBe('/trpc/~sse?left')
    const broken = await openRaw(`${url}/trpc/~sse?not-json`, { ...open(), body: '{' })
    await broken.over
    expect(await ran.take()).toBe('/trpc/~sse?not-json')
    await ask(`${url}/trpc/nothing`)
    expect(await ran.take()).toBe('/trpc/nothing')
    expect(ran.items).toHaveLength(3)
  })
})
