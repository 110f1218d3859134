import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ask, listen, openRaw, sendRaw } from '../../../../tests/support/http.ts'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { type Backend, channel, createChannels, createServerLink, memoryBackend } from '../index.ts'

const t = initTRPC.create()
const nothing = { connections: 0, subscriptions: 0 }

/** A promise that the test resolves. */
function deferred() {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}

/** A memory backend that records `listen` and `unlisten`. */
function countedBackend() {
  const backend = memoryBackend()
  const news = createInbox<'listen' | 'unlisten'>()
  const counted: Backend = {
    ...backend,
    async listen(log, listener) {
      const unlisten = await backend.listen(log, listener)
      news.put('listen')
      return async () => {
        await unlisten()
        news.put('unlisten')
      }
    },
  }
  return { backend: counted, news }
}

const one = { limits: { connections: 1, connectionsPerKey: 1 } }
const oneCall = JSON.stringify({ version: 1, revision: 1, subscriptions: { a: { path: 's' } } })

describe('P28: a client that leaves', () => {
  it('before its response has started, in createContext: its slot is free', async () => {
    const calls = createInbox<AbortSignal>()
    const made = deferred()
    const ran = createInbox<string>()
    const router = t.router({
      s: t.procedure.subscription(async function* () {
        ran.put('procedure')
        yield 1
      }),
    })
    const errors: unknown[] = []
    await using server = await serveRouter(router, {
      ...one,
      onError: ({ error }) => void errors.push(error),
      async createContext({ info }: { info: { signal: AbortSignal } }) {
        calls.put(info.signal)
        if (calls.items.length === 1) await made.promise
        return {}
      },
    })
    const request = sendRaw(`${server.url}/s`)
    const signal = await calls.take()
    expect(server.link.stats()).toMatchObject({ connections: 1 })
    request.destroy()
    await once(signal, 'abort')
    expect(server.link.stats()).toMatchObject(nothing)
    // The slot is free immediately, whatever createContext still does, and is released only once.
    using second = await openRaw(`${server.url}/s`)
    expect((await second.nextMany(3)).map(({ event }) => event)).toEqual([
      'connected',
      'message',
      'return',
    ])
    await second.over
    made.resolve()
    using third = await openRaw(`${server.url}/s`)
    expect((await third.nextMany(3)).map(({ event }) => event)).toEqual([
      'connected',
      'message',
      'return',
    ])
    expect(ran.items).toEqual(['procedure', 'procedure'])
    expect(errors).toEqual([])
    expect(server.link.stats()).toMatchObject({ ...nothing, refused: 0 })
  })

  it('while the procedure prepares: return() of its iterator is called', async () => {
    const inProcedure = createInbox<AbortSignal>()
    const ready = deferred()
    const returned = deferred()
    const router = t.router({
      s: t.procedure.subscription(async ({ signal }) => {
        if (signal) inProcedure.put(signal)
        await ready.promise
        const iterator: AsyncIterator<number> = {
          next: async () => ({ done: true, value: undefined }),
          async return() {
            returned.resolve()
            return { done: true, value: undefined }
          },
        }
        return { [Symbol.asyncIterator]: () => iterator }
      }),
    })
    await using server = await serveRouter(router)
    const request = sendRaw(`${server.url}/s`)
    const signal = await inProcedure.take()
    request.destroy()
    await once(signal, 'abort')
    expect(server.link.stats()).toMatchObject(nothing)
    ready.resolve()
    await returned.promise
  })

  it.each(['generator that waits', 'generator that watches its signal', 'observable'] as const)(
    'between two events of a %s: the procedure is cleaned up',
    async (kind) => {
      const cleaned = deferred()
      const router = t.router({
        'generator that waits': t.procedure.subscription(async function* ({ signal }) {
          try {
            yield tracked('a', 1)
            await new Promise((resolve) => signal?.addEventListener('abort', resolve))
            yield tracked('b', 2)
          } finally {
            cleaned.resolve()
          }
        }),
        'generator that watches its signal': t.procedure.subscription(async function* ({ signal }) {
          try {
            yield 1
            if (signal) await once(new EventTarget(), 'never', { signal })
          } finally {
            cleaned.resolve()
          }
        }),
        observable: t.procedure.subscription(() =>
          observable<number>((emit) => {
            emit.next(1)
            return cleaned.resolve
          }),
        ),
      })
      const errors: unknown[] = []
      await using server = await serveRouter(router, {
        onError: ({ error }) => void errors.push(error),
      })
      const stream = await openRaw(`${server.url}/${encodeURIComponent(kind)}`)
      await stream.nextMany(2)
      expect(server.link.stats()).toMatchObject({ connections: 1, subscriptions: 1, eventsSent: 1 })
      stream.leave()
      await cleaned.promise
      expect(server.link.stats()).toMatchObject(nothing)
      expect(errors).toEqual([])
    },
  )

  it('while it does not read: return() of the waiting generator is called', async () => {
    const cleaned = deferred()
    const stalled = deferred()
    let responses: ServerResponse | undefined
    const router = t.router({
      s: t.procedure.subscription(async function* () {
        try {
          for (;;) {
            yield 'x'.repeat(65_536)
            if ((responses?.writableLength ?? 0) > 0) stalled.resolve()
          }
        } finally {
          cleaned.resolve()
        }
      }),
    })
    await using server = await serveRouter(router, {
      createContext({ res }: { res: ServerResponse }) {
        responses = res
        return {}
      },
    })
    const stream = await openRaw(`${server.url}/s`)
    stream.pause()
    await stalled.promise
    stream.leave()
    await cleaned.promise
    expect(server.link.stats()).toMatchObject(nothing)
  })

  it('during a channel’s stream: its reader leaves the hub, which closes', async () => {
    const { backend, news } = countedBackend()
    const clock = manualClock()
    const channels = createChannels({
      backend,
      clock,
      lingerMs: 5_000,
      channels: { log: channel({ event: z.number() }) },
    })
    const signals = createInbox<AbortSignal>()
    const router = t.router({
      s: t.procedure.subscription((opts) => channels.log().subscribe(opts)),
    })
    await using server = await serveRouter(router, {
      createContext({ info }: { info: { signal: AbortSignal } }) {
        signals.put(info.signal)
        return {}
      },
    })
    const stream = await openRaw(`${server.url}/s`)
    await stream.nextMany(2)
    clock.advance(60_000)
    expect(news.items).toEqual(['listen'])
    stream.leave()
    await once(await signals.take(), 'abort')
    expect(server.link.stats()).toMatchObject(nothing)
    clock.advance(7_000)
    expect(await news.takeMany(2)).toEqual(['listen', 'unlisten'])
    await channels.close()
  })

  it('in middleware: nothing is started for it', async () => {
    const inMiddleware = createInbox<ServerResponse>()
    const passed = deferred()
    const contexts: unknown[] = []
    const router = t.router({ s: t.procedure.subscription(async function* () {}) })
    await using server = await serveRouter(router, {
      middleware(_req, res, next) {
        inMiddleware.put(res)
        void passed.promise.then(next)
      },
      createContext: () => contexts.push(1),
    })
    const request = sendRaw(`${server.url}/s`)
    const response = await inMiddleware.take()
    request.destroy()
    await once(response, 'close')
    passed.resolve()
    // The next client is served normally.
    using next = await openRaw(`${server.url}/s`)
    expect((await next.nextMany(2)).map(({ event }) => event)).toEqual(['connected', 'return'])
    expect(contexts).toHaveLength(1)
    expect(server.link.stats()).toMatchObject({ ...nothing, refused: 0 })
  })

  it('in the middle of its request: no error is reported', async () => {
    const errors: unknown[] = []
    const requests = createInbox<ServerResponse>()
    await using server = await serveRouter(t.router({}), {
      onError: ({ error }) => void errors.push(error),
      middleware(_req, res, next) {
        requests.put(res)
        next()
      },
    })
    const { port, hostname } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    const head =
      'POST /~sse HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1000'
    socket.write(`${head}\r\n\r\n{"version"`)
    const response = await requests.take()
    socket.destroy()
    await once(response, 'close')
    // Wait a whole turn, until another request is answered.
    await ask(`${server.url}/~sse`)
    expect(errors.map(String).join()).not.toContain('aborted')
    expect(server.link.stats()).toMatchObject({ ...nothing, refused: 0 })
  })

  it('before its turn on its socket: each request that it had pipelined is over', async () => {
    const begun = createInbox<AbortSignal>()
    const router = t.router({
      s: t.procedure.subscription(async function* ({ signal }) {
        if (signal) begun.put(signal)
        if (signal) await once(new EventTarget(), 'never', { signal })
        yield 1
      }),
      q: t.procedure.query(() => new Promise(() => {})),
    })
    const closed = createInbox<string>()
    const served: Promise<void>[] = []
    const link = createServerLink({ router, createContext: () => ({}) })
    await using server = await listen((request, response) => {
      response.once('close', () => closed.put(request.url ?? ''))
      served.push(link.node(request, response))
    })
    const { port, hostname } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    const body = `Content-Type: application/json\r\nContent-Length: ${oneCall.length}\r\n\r\n${oneCall}`
    socket.write('GET /s HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(15))
    socket.write(`POST /~sse HTTP/1.1\r\nHost: h\r\n${body}GET /q HTTP/1.1\r\nHost: h\r\n\r\n`)
    const signals = await begun.takeMany(16)
    socket.destroy()
    expect((await closed.takeMany(17)).sort()).toEqual(
      ['/q', ...Array(15).fill('/s'), '/~sse'].sort(),
    )
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
    expect(link.stats()).toMatchObject({ ...nothing, refused: 0 })
    await Promise.all(served)
  })

  it.each([
    ['single', 's', {}],
    [
      'multiplexed',
      '~sse',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: oneCall },
    ],
  ])(
    'before the link sees the request: nothing is started for it, in %s mode',
    async (_, path, init) => {
      const gone = new AbortController()
      gone.abort()
      const contexts: unknown[] = []
      const router = t.router({ s: t.procedure.subscription(async function* () {}) })
      const link = createServerLink({
        router,
        createContext: () => ({ n: contexts.push(1) }),
        ...one,
      })
      const url = `http://localhost/${path}`
      for (let i = 0; i < 3; i++) {
        const response = await link.fetch(new Request(url, { ...init, signal: gone.signal }))
        expect(response.status).toBe(499)
      }
      expect(contexts).toEqual([])
      expect(link.stats()).toMatchObject({ ...nothing, refused: 0 })
      // The request holds no slot.
      const next = await link.fetch(new Request(url, init))
      expect(next.headers.get('content-type')).toContain('text/event-stream')
      await next.body?.cancel()
    },
  )

  it('gets nothing more, and errors of the cleanup reach onError', async () => {
    const errors = createInbox<TRPCError>()
    const router = t.router({
      s: t.procedure.subscription(async function* ({ signal }) {
        try {
          yield 1
          if (signal) await once(new EventTarget(), 'never', { signal })
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: what the test is about
          throw new TRPCError({ code: 'CONFLICT', message: 'in finally' })
        }
      }),
    })
    await using server = await serveRouter(router, { onError: ({ error }) => errors.put(error) })
    const stream = await openRaw(`${server.url}/s`)
    await stream.nextMany(2)
    stream.leave()
    expect(await errors.take()).toMatchObject({ code: 'CONFLICT', message: 'in finally' })
    expect(errors.items).toHaveLength(1)
  })

  it('ends no other stream if its iterator throws in return()', async () => {
    const errors = createInbox<TRPCError>()
    const iterator: AsyncIterator<number> = {
      next: () => new Promise(() => {}),
      return() {
        throw new Error('no return')
      },
    }
    const router = t.router({
      s: t.procedure.subscription(async () => ({ [Symbol.asyncIterator]: () => iterator })),
    })
    await using server = await serveRouter(router, { onError: ({ error }) => errors.put(error) })
    const stream = await openRaw(`${server.url}/s`)
    await stream.next()
    stream.leave()
    expect(await errors.take()).toMatchObject({ message: 'no return' })
  })
})

describe('P28: a reader of link.fetch that leaves', () => {
  const setup = () => {
    const cleaned = deferred()
    const router = t.router({
      s: t.procedure.subscription(async function* ({ signal }) {
        try {
          yield 1
          if (signal) await once(new EventTarget(), 'never', { signal })
        } finally {
          cleaned.resolve()
        }
      }),
    })
    return { cleaned, link: createServerLink({ router, createContext: () => ({}) }) }
  }

  it('by cancelling the body: the generator ends', async () => {
    const { link, cleaned } = setup()
    const { body } = await link.fetch(new Request('http://localhost/s'))
    const reader = body?.getReader()
    await reader?.read()
    expect(link.stats()).toMatchObject({ connections: 1 })
    await reader?.cancel()
    await cleaned.promise
    expect(link.stats()).toMatchObject(nothing)
  })

  it('by aborting the request: the generator ends, and so does the body', async () => {
    const { link, cleaned } = setup()
    const abort = new AbortController()
    const response = await link.fetch(new Request('http://localhost/s', { signal: abort.signal }))
    const text = response.text()
    expect(link.stats()).toMatchObject({ connections: 1 })
    abort.abort()
    await cleaned.promise
    expect(link.stats()).toMatchObject(nothing)
    expect(await text).toContain('event: connected')
  })

  it('by both, in either order: nothing is thrown', async () => {
    for (const order of ['abort first', 'cancel first']) {
      const { link, cleaned } = setup()
      const abort = new AbortController()
      const { body } = await link.fetch(new Request('http://localhost/s', { signal: abort.signal }))
      if (order === 'abort first') abort.abort()
      await body?.cancel()
      abort.abort()
      await cleaned.promise
      expect(link.stats()).toMatchObject(nothing)
    }
  })
})
