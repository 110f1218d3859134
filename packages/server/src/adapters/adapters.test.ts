import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { initTRPC, TRPCError } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fetchServer } from '../../../../tests/support/fetch-server.ts'
import {
  ask,
  listen,
  openRaw,
  type RawRequest,
  type TestServer,
} from '../../../../tests/support/http.ts'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { channel, createChannels } from '../index.ts'
import {
  type FetchCreateContextFnOptions,
  linkOf as fetchLinkOf,
  fetchRequestHandler,
} from './fetch.ts'
import { linkOf, type NodeHTTPCreateContextFnOptions, nodeHTTPRequestHandler } from './node-http.ts'
import { type CreateHTTPContextOptions, createHTTPHandler, createHTTPServer } from './standalone.ts'

interface Context {
  readonly user: string | undefined
}

function createRouter() {
  const t = initTRPC.context<Context>().create()
  const channels = createChannels({ channels: { log: channel({ event: z.string() }) } })
  const router = t.router({
    nested: t.router({ whoami: t.procedure.query(({ ctx }) => ctx.user ?? 'nobody') }),
    live: t.procedure.subscription(async function* ({ ctx }) {
      yield ctx.user ?? 'nobody'
    }),
    log: t.procedure.subscription((opts) => channels.log().subscribe({ ...opts, replay: 'all' })),
    say: t.procedure.input(z.string()).mutation(async ({ input }) => {
      await channels.log().publish(input)
      return input.length
    }),
  })
  return { router, channels }
}

const contextOf = ({
  req,
  info,
}:
  | CreateHTTPContextOptions
  | NodeHTTPCreateContextFnOptions<IncomingMessage, ServerResponse>): Context => ({
  user: info.connectionParams?.user ?? req.headers.user?.toString(),
})

/** Each adapter, mounted at /trpc as in an app. */
const adapters: Record<string, (options?: object) => http.Server> = {
  createHTTPServer: (options) =>
    createHTTPServer({
      ...createRouter(),
      createContext: contextOf,
      basePath: '/trpc/',
      ...options,
    }),
  'createHTTPServer without the last slash of basePath': (options) =>
    createHTTPServer({
      ...createRouter(),
      createContext: contextOf,
      basePath: '/trpc',
      ...options,
    }),
  createHTTPHandler: (options) =>
    http.createServer(
      createHTTPHandler({
        ...createRouter(),
        createContext: contextOf,
        basePath: '/trpc/',
        ...options,
      }),
    ),
  nodeHTTPRequestHandler(options) {
    const app = createRouter()
    return http.createServer((req, res) => {
      const path = new URL(req.url ?? '', 'http://localhost').pathname.slice('/trpc/'.length)
      void nodeHTTPRequestHandler({ ...app, req, res, path, createContext: contextOf, ...options })
    })
  },
  fetchRequestHandler(options) {
    const app = createRouter()
    return fetchServer((req) =>
      fetchRequestHandler({
        ...app,
        endpoint: '/trpc',
        req,
        createContext: ({ req: { headers }, info }: FetchCreateContextFnOptions) => ({
          user: info.connectionParams?.user ?? headers.get('user') ?? undefined,
        }),
        ...options,
      }),
    )
  },
}

const post = (body: unknown, headers: object = {}): RawRequest => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

describe.each(Object.entries(adapters))('%s', (name, create) => {
  const isFetch = name === 'fetchRequestHandler'

  it('calls onError once, with its own request', async () => {
    const failures = createInbox<{
      error: TRPCError
      req: object
      type: string
      path: string | undefined
    }>()
    await using server = await listen(
      create({
        onError: failures.put,
        createContext() {
          throw new TRPCError({ code: 'UNAUTHORIZED' })
        },
      }),
    )
    for (const path of ['live', 'nested.whoami']) {
      await ask(`${server.url}/trpc/${path}`)
      const { req, ...failure } = await failures.take()
      expect(failure).toMatchObject({ error: { code: 'UNAUTHORIZED' }, path })
      expect(req).toBeInstanceOf(isFetch ? Request : http.IncomingMessage)
    }
    expect(failures.items).toHaveLength(2)
  })

  it('limits the size of bodies that it reads', async () => {
    await using server = await listen(create({ maxBodySize: 100, onError: () => {} }))
    const { status } = await ask(`${server.url}/trpc/say`, post('x'.repeat(1_000)))
    expect(status).toBe(isFetch ? 200 : 413)
    expect((await ask(`${server.url}/trpc/say`, post('small'))).status).toBe(200)
  })
})

describe.each(Object.entries(adapters).filter(([name]) => name !== 'fetchRequestHandler'))(
  'middleware of %s',
  (_, create) => {
    type Next = (error?: unknown) => void

    it('runs before subscriptions and calls, such as for CORS', async () => {
      const middleware = (req: IncomingMessage, res: ServerResponse, next: Next): void => {
        res.setHeader('access-control-allow-origin', '*')
        res.setHeader('vary', 'origin')
        if (req.method === 'OPTIONS') res.writeHead(204).end()
        else next()
      }
      await using server = await listen(create({ middleware }))
      for (const path of ['live', 'nested.whoami']) {
        using stream = await openRaw(`${server.url}/trpc/${path}`)
        expect(stream.headers['access-control-allow-origin']).toBe('*')
        expect(stream.status).toBe(200)
      }
      using stream = await openRaw(`${server.url}/trpc/live`)
      expect(stream.headers.vary).toBe('origin, trpc-accept, accept')
      using preflight = await openRaw(`${server.url}/trpc/live`, { method: 'OPTIONS' })
      expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([
        204,
        '*',
      ])
    })

    it('may answer later', async () => {
      const middleware = (_req: IncomingMessage, res: ServerResponse): void => {
        setImmediate(() => res.writeHead(401).end('who are you?'))
      }
      await using server = await listen(create({ middleware }))
      expect(await ask(`${server.url}/trpc/live`)).toEqual({ status: 401, text: 'who are you?' })
    })

    it.each(['passes on', 'throws'])(
      'may fail: the error that it %s is tRPC’s error, reported once',
      async (how) => {
        const failures = createInbox<TRPCError>()
        const middleware = (_req: IncomingMessage, _res: ServerResponse, next: Next): void => {
          const error = new TRPCError({ code: 'FORBIDDEN', message: 'by the middleware' })
          if (how === 'throws') throw error
          next(error)
        }
        await using server = await listen(
          create({ middleware, onError: ({ error }: { error: TRPCError }) => failures.put(error) }),
        )
        const stream = await ask(`${server.url}/trpc/live`)
        expect(stream.status).toBe(200)
        expect(stream.text).toContain('event: serialized-error')
        expect(stream.text).toContain('by the middleware')
        expect((await ask(`${server.url}/trpc/nested.whoami`)).status).toBe(403)
        expect(failures.items.map(({ message }) => message)).toEqual([
          'by the middleware',
          'by the middleware',
        ])
      },
    )

    it('may set the status and headers of a stream', async () => {
      const createContext = ({ res }: { res: ServerResponse }): object => {
        res.statusCode = 203
        res.setHeader('set-cookie', ['a=1', 'b=2'])
        return {}
      }
      await using server = await listen(create({ createContext }))
      using stream = await openRaw(`${server.url}/trpc/live`)
      expect([stream.status, stream.headers['set-cookie']]).toEqual([203, ['a=1', 'b=2']])
    })
  },
)

describe('the link behind an adapter', () => {
  const take = async (server: TestServer, path: string) => {
    const stream = await openRaw(`${server.url}${path}`)
    await stream.nextMany(2)
    return stream
  }

  it('of createHTTPServer and createHTTPHandler exists from the start', async () => {
    const options = { ...createRouter(), createContext: contextOf }
    const served = createHTTPServer(options)
    expect(createHTTPHandler(options).link.stats().connections).toBe(0)
    await using server = await listen(served)
    using stream = await take(server, '/log')
    expect(served.link.stats().connections).toBe(1)
    const drained = served.link.drain()
    expect((await stream.next()).event).toBe('reconnect')
    stream.leave()
    await drained
    expect(served.link.stats().connections).toBe(0)
  })

  it('of nodeHTTPRequestHandler and fetchRequestHandler exists after the first request', async () => {
    const app = createRouter()
    const createContext = () => ({ user: undefined })
    await using node = await listen((req, res) => {
      void nodeHTTPRequestHandler({ ...app, req, res, path: 'log', createContext })
    })
    expect(linkOf(app.router)).toBeUndefined()
    using _stream = await take(node, '/')
    expect(linkOf(app.router)?.stats().connections).toBe(1)
    expect(fetchLinkOf(createRouter().router)).toBeUndefined()
  })

  it('is the same for all requests of a router', async () => {
    const app = createRouter()
    const handle = (user: string) => (req: Request) =>
      fetchRequestHandler({
        ...app,
        req,
        endpoint: '/',
        limits: { connections: 1 },
        createContext: ({ resHeaders }) => {
          resHeaders.set('x-user', user)
          return { user }
        },
      })
    await using server = await listen(
      fetchServer((req) => handle(req.headers.get('user') ?? '')(req)),
    )
    for (const user of ['ann', 'bob']) {
      using stream = await openRaw(`${server.url}/live`, { headers: { user } })
      const { text } = await stream.over
      expect(text).toContain(`data: "${user}"`)
      expect(stream.headers['x-user']).toBe(user)
    }
    using first = await take(server, '/log')
    expect((await ask(`${server.url}/log`)).text).toContain('SERVICE_UNAVAILABLE')
    first.leave()
    await first.over
  })

  it('resolves when the response is over, even if the client has left', async () => {
    const started = createInbox<ServerResponse>()
    const resolved = createInbox<string>()
    const t = initTRPC.create()
    const router = t.router({ never: t.procedure.query(() => new Promise<never>(() => {})) })
    await using server = await listen((req, res) => {
      started.put(res)
      void nodeHTTPRequestHandler({ router, req, res, path: 'never' }).then(() =>
        resolved.put('resolved'),
      )
    })
    const request = http.get(server.url, { agent: false })
    request.on('error', () => {})
    const response = await started.take()
    request.destroy()
    await once(response, 'close')
    expect(await resolved.take()).toBe('resolved')
  })
})
