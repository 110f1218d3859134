import type { RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { initTRPC } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import { createHTTPHandler } from '@trpc-sse/server/adapters/standalone'
import express from 'express'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { listen, openRaw, type TestServer } from '../support/http.ts'

type Middleware = (...about: [...Parameters<RequestListener>, next: () => void]) => void

const require = createRequire(import.meta.url)

/**
 * Middleware that uses on-headers 1.0, which rewrites the arguments of `writeHead`, and a header
 * that it sets.
 */
const middleware: Record<string, { create: () => Middleware; header: RegExp }> = {
  'compression-1-7': {
    create: () => require('compression-1-7')({ threshold: 0 }),
    header:
      /^(cache-control: no-cache, no-transform|content-encoding: gzip|content-type: application\/json)$/m,
  },
  'express-session-1-18': {
    create: () =>
      require('express-session-1-18')({ secret: 'secret', resave: false, saveUninitialized: true }),
    header: /^set-cookie: .*connect\.sid=/m,
  },
  'morgan-1-10': {
    create: () => require('morgan-1-10')('combined', { stream: { write: () => {} } }),
    header: /^vary: .*trpc-accept/m,
  },
  'response-time-2-3': {
    create: () => require('response-time-2-3')(),
    header: /^x-response-time: /m,
  },
}

function createApp() {
  const channels = createChannels({ channels: { news: channel({ event: z.string() }) } })
  const t = initTRPC.create()
  const router = t.router({
    onNews: t.procedure.subscription((opts) => channels.news().subscribe(opts)),
    hello: t.procedure.query(() => 'hello'),
  })
  const responseMeta = (): { headers: Headers } => ({
    headers: new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]),
  })
  return { channels, options: { router, channels, responseMeta } }
}

/** The ways to serve an app behind a middleware. */
const places = {
  'node:http'(
    used: readonly Middleware[],
    { options }: ReturnType<typeof createApp>,
  ): Promise<TestServer> {
    const handle = createHTTPHandler(options)
    return listen((request, response) => {
      const run = (i: number): void => {
        const next = used[i]
        if (next) next(request, response, () => run(i + 1))
        else handle(request, response)
      }
      run(0)
    })
  },
  Express(
    used: readonly Middleware[],
    { options }: ReturnType<typeof createApp>,
  ): Promise<TestServer> {
    const server = express()
    server.disable('x-powered-by')
    for (const each of used) server.use(each)
    server.use(createExpressMiddleware(options))
    return listen(server)
  },
}

/** Requests that are answered by different code paths. */
const requests = {
  'a stream of one subscription': { path: 'onNews', type: 'text/event-stream' },
  'a stream of many': {
    path: '~sse',
    type: 'text/event-stream',
    body: { version: 1, revision: 1, subscriptions: { k: { path: 'onNews' } } },
  },
  'a change of an unknown stream': {
    path: '~sse',
    type: 'application/json',
    body: { version: 1, revision: 1, subscriptions: {}, connectionId: 'nobody' },
  },
  'a query': { path: 'hello', type: 'application/json' },
}

describe.each(Object.entries(middleware))('%s', (name, { create, header }) => {
  it('is on on-headers 1.0', () => {
    expect(createRequire(require.resolve(name))('on-headers/package.json')).toMatchObject({
      version: expect.stringMatching(/^1\.0\./),
    })
  })

  describe.each(Object.entries(places))('on %s', (_place, serve) => {
    it.each(Object.entries(requests))(
      'leaves the headers of %s unchanged',
      async (_request, request) => {
        const app = createApp()
        await using server = await serve([create()], app)
        await expectAnswer(server, request, header)
      },
    )
  })
})

describe.each(Object.entries(places))('all of them together, on %s', (_place, serve) => {
  it.each(Object.entries(requests))(
    'leave the headers of %s unchanged',
    async (_request, request) => {
      const app = createApp()
      const used = Object.values(middleware).map(({ create }) => create())
      await using server = await serve(used, app)
      for (const { header } of Object.values(middleware))
        await expectAnswer(server, request, header)
    },
  )

  it('pass on each event as it arrives', async () => {
    const app = createApp()
    const used = Object.values(middleware).map(({ create }) => create())
    await using server = await serve(used, app)
    using stream = await openRaw(`${server.url}/onNews`, { headers: { 'accept-encoding': 'gzip' } })
    await stream.nextMany(2)
    for (const text of ['one', 'two', 'three']) {
      await app.channels.news().publish(text)
      expect((await stream.next()).data).toBe(JSON.stringify(text))
    }
  })
})

async function expectAnswer(
  { url }: TestServer,
  { path, type, body }: { path: string; type: string; body?: object },
  header: RegExp,
): Promise<void> {
  using answer = await openRaw(`${url}/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' },
    ...(body && { body: JSON.stringify(body) }),
  })
  expect(answer.headers['content-type']).toBe(type)
  expect(answer.headers['set-cookie']).toEqual(expect.arrayContaining(['a=1', 'b=2']))
  const all = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`)
  expect(all.map((line) => line.toLowerCase()).join('\n')).toMatch(header)
  // on-headers 1.0 turns an array of headers into headers with one-character names.
  expect(Object.keys(answer.headers).filter((name) => name.length === 1)).toEqual([])
}
