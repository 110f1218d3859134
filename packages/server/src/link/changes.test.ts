import { once } from 'node:events'
import { initTRPC, TRPCError } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ask, openRaw, type RawStream } from '../../../../tests/support/http.ts'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import {
  type RouterServer,
  type RouterServerOptions,
  serveRouter,
} from '../../../../tests/support/router-server.ts'
import { channel, createChannels, createServerLink, memoryBackend } from '../index.ts'
import { stepsPerTurn } from './connection/turns.ts'
import { isSameOwner, ownerOf } from './request/credentials.ts'

const t = initTRPC.context<{ user?: string | undefined }>().create({
  errorFormatter: ({ shape, path, input }) => ({ ...shape, data: { ...shape.data, path, input } }),
})

type Wanted = Record<string, { path: string; input?: unknown; lastEventId?: string }>

const numbered = (from: number, count: number): Wanted =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`k${from + i}`, { path: 'stays', input: from + i }]),
  )

async function setup(options: RouterServerOptions = {}) {
  const started = createInbox<number>()
  const router = t.router({
    stays: t.procedure.input(z.number()).subscription(async function* ({ input, signal }) {
      started.put(input)
      yield input
      if (signal) await once(new EventTarget(), 'never', { signal })
    }),
  })
  const server = await serveRouter(router, options)
  return Object.assign(server, { started })
}

const request = (body: object, headers = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ version: 1, revision: 1, ...body }),
})

async function open(server: RouterServer, subscriptions: Wanted, headers = {}, query = '') {
  const stream = await openRaw(`${server.url}/~sse${query}`, request({ subscriptions }, headers))
  const { connectionId } = JSON.parse((await stream.next()).data)
  return { stream, connectionId, [Symbol.dispose]: () => stream.leave() }
}

const change = (server: RouterServer, body: object, headers = {}, query = ''): Promise<RawStream> =>
  openRaw(`${server.url}/~sse${query}`, request(body, headers))

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('starts of subscriptions', () => {
  it('take turns with other streams that are opened in the meantime', async () => {
    const clock = manualClock()
    await using server = await setup({ clock })
    using many = await open(server, numbered(0, 100))
    await server.started.takeMany(stepsPerTurn)
    await settled()
    expect(server.started.items).toHaveLength(stepsPerTurn)
    const opening = open(server, numbered(1_000, 1))
    await settled()
    for (let turn = 0; !server.started.items.includes(1_000); turn++) {
      expect(turn).toBeLessThan(3)
      clock.advance(1)
      for (let i = 0; i < 10; i++) await settled()
    }
    expect(server.started.items.length).toBeLessThan(100)
    using _one = await opening
    for (let turn = 0; turn < 7; turn++) clock.advance(1)
    await server.started.takeMany(101 - stepsPerTurn)
    expect(new Set(server.started.items).size).toBe(101)
    await many.stream.nextMany(200)
  })

  it('don’t happen, and use no turn, if the subscription is no longer wanted', async () => {
    const clock = manualClock()
    await using server = await setup({ clock })
    using s = await open(server, numbered(0, 100))
    await server.started.takeMany(stepsPerTurn)
    const { connectionId } = s
    using answer = await change(server, {
      revision: 2,
      connectionId,
      subscriptions: numbered(99, 1),
    })
    expect(answer.status).toBe(200)
    clock.advance(1)
    await server.started.take()
    expect(server.started.items.at(-1)).toBe(99)
    expect(server.started.items).toHaveLength(stepsPerTurn + 1)
  })
})

describe('changes of a stream', () => {
  it('P67: have a rate limit; beyond it they change nothing, create no context, and tell the client when to retry', async () => {
    const clock = manualClock()
    let contexts = 0
    await using server = await setup({
      clock,
      limits: { subscriptionsPerConnection: 10, changesPerSecond: 2 },
      createContext: () => {
        contexts += 1
        return {}
      },
    })
    using s = await open(server, {})
    const { connectionId } = s
    const statuses: number[] = []
    // A burst of fifty, then two per second.
    for (let revision = 2; revision <= 7; revision++) {
      using answer = await change(server, {
        revision,
        connectionId,
        subscriptions: numbered(revision * 10, 10),
      })
      const { text } = await answer.over
      statuses.push(answer.status)
      if (answer.status === 200) continue
      expect(answer.headers['retry-after']).toBe('5')
      expect(JSON.parse(text).error).toMatchObject({
        message: expect.stringContaining('limits.changesPerSecond'),
        data: { code: 'TOO_MANY_REQUESTS' },
      })
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
    expect(contexts).toBe(6)
    expect(server.link.connections()[0]?.paths).toEqual(['stays'])
    expect(server.link.stats()).toMatchObject({ connections: 1, subscriptions: 10, refused: 0 })
    clock.advance(4_000)
    // Enough for eight, but not for ten.
    using ten = await change(server, { revision: 8, connectionId, subscriptions: numbered(80, 10) })
    expect([ten.status, ten.headers['retry-after']]).toEqual([429, '1'])
    using few = await change(server, { revision: 8, connectionId, subscriptions: numbered(80, 8) })
    expect(few.status).toBe(200)
    // An outdated revision changes nothing, so it is accepted even when no change is left.
    clock.advance(500)
    using old = await change(server, { revision: 3, connectionId, subscriptions: {} })
    expect(old.status).toBe(200)
  })

  it('refuse a rate that would allow no change at all', () => {
    const router = t.router({})
    for (const changesPerSecond of [0, -1, Number.NaN])
      expect(() =>
        createServerLink({ router, createContext: () => ({}), limits: { changesPerSecond } }),
      ).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})

describe('P60: the owner of a stream', () => {
  const anns = { authorization: 'Bearer ann', cookie: 'a=1; b=2' }
  const params = (value: object): string =>
    `?connectionParams=${encodeURIComponent(JSON.stringify(value))}`

  it.each<[string, object, string, number]>([
    ['the same credentials', anns, '', 200],
    ['another token', { ...anns, authorization: 'Bearer bob' }, '', 404],
    ['no token', { cookie: anns.cookie }, '', 404],
    ['another cookie', { ...anns, cookie: 'a=1; b=3' }, '', 404],
    ['nothing at all', {}, '', 404],
    ['connectionParams beside', anns, params({ token: 'x' }), 404],
    ['what names the digest', { ...anns, authorization: 'nobody' }, '', 404],
  ])('without a key is who opened it: %s', async (_name, headers, query, status) => {
    await using server = await setup()
    using s = await open(server, {}, anns)
    const { connectionId } = s
    using answer = await change(
      server,
      { revision: 2, connectionId, subscriptions: {} },
      headers,
      query,
    )
    expect(answer.status).toBe(status)
  })

  it('is any sender without credentials that knows the connection id, if the stream has neither key nor credentials', async () => {
    await using server = await setup()
    using s = await open(server, {}, {}, params({ token: 'x' }))
    using other = await open(server, {})
    const bodies = [s, other].map(({ connectionId }) => ({
      revision: 2,
      connectionId,
      subscriptions: {},
    }))
    const statuses = []
    for (const [i, query] of [
      [0, params({ token: 'x' })],
      [0, params({ token: 'y' })],
      [0, ''],
      [1, params({ token: 'x' })],
      [1, ''],
    ] as const) {
      using answer = await change(server, bodies[i] ?? {}, {}, query)
      statuses.push(answer.status)
    }
    expect(statuses).toEqual([200, 404, 404, 404, 200])
  })

  it('is only a sender with the same key, whatever the credentials, if the stream has a key', async () => {
    await using server = await setup({
      createContext: ({ req }: { req: { headers: Record<string, string | undefined> } }) => ({
        user: req.headers.user,
      }),
      connectionKey: ({ user }: { user?: string }) => user,
    })
    using keyed = await open(server, {}, { user: 'ann', cookie: 'old' })
    using guest = await open(server, {}, { cookie: 'guest' })
    const statuses = []
    for (const [{ connectionId }, headers] of [
      [keyed, { user: 'ann', cookie: 'new' }],
      [keyed, { user: 'bob', cookie: 'old' }],
      [keyed, { cookie: 'old' }],
      [guest, { cookie: 'guest' }],
      [guest, { cookie: 'other' }],
      [guest, { cookie: 'guest', user: 'ann' }],
      [guest, { cookie: 'guest', user: 'nobody' }],
    ] as const) {
      using answer = await change(server, { revision: 2, connectionId, subscriptions: {} }, headers)
      statuses.push(answer.status)
    }
    expect(statuses).toEqual([200, 404, 404, 200, 404, 404, 404])
  })

  it('is recognized by other instances too', async () => {
    const backend = memoryBackend()
    const channels = () =>
      createChannels({ backend, channels: { c: channel({ event: z.string() }) } })
    await using holder = await setup({ channels: channels() })
    await using other = await setup({ channels: channels() })
    using s = await open(holder, {}, anns)
    const { connectionId } = s
    using bobs = await change(
      other,
      { revision: 2, connectionId, subscriptions: {} },
      { ...anns, cookie: 'b' },
    )
    using answer = await change(other, { revision: 2, connectionId, subscriptions: {} }, anns)
    expect([bobs.status, answer.status]).toEqual([404, 200])
  })

  it('is stored as a digest, which differs for each stream', async () => {
    const credentials = { authorization: 'Bearer secret', cookie: null, connectionParams: null }
    const [one, same, other] = await Promise.all([
      ownerOf(undefined, 'a', credentials),
      ownerOf(undefined, 'a', { ...credentials }),
      ownerOf(undefined, 'b', credentials),
    ])
    expect(one).toMatch(/^digest [\da-f]{64}$/)
    expect(isSameOwner(one, same)).toBe(true)
    expect(isSameOwner(one, other)).toBe(false)
    // No key of an app equals a digest.
    expect(isSameOwner(await ownerOf(one, 'a', credentials), one)).toBe(false)
    expect(isSameOwner('key a', 'key ab')).toBe(false)
  })
})

describe('a context that fails', () => {
  it('P50: causes an error for each subscription, with its own path and input', async () => {
    const told = createInbox<{ path: string | undefined; input: unknown; code: string }>()
    await using server = await setup({
      createContext() {
        throw new TRPCError({ code: 'UNAUTHORIZED', message: 'who are you?' })
      },
      onError: ({ path, input, error }) => told.put({ path, input, code: error.code }),
    })
    const subscriptions = {
      a: { path: 'stays', input: 1 },
      b: { path: 'unknown.path', input: { x: 2 } },
    }
    const { status, text } = await ask(`${server.url}/~sse`, request({ subscriptions }))
    expect(status).toBe(401)
    const a = { message: 'who are you?', data: { code: 'UNAUTHORIZED', path: 'stays', input: 1 } }
    const b = { message: 'who are you?', data: { path: 'unknown.path', input: { x: 2 } } }
    expect(JSON.parse(text)).toMatchObject({ error: a, errors: { a, b } })
    expect(await told.takeMany(2)).toEqual([
      { path: 'stays', input: 1, code: 'UNAUTHORIZED' },
      { path: 'unknown.path', input: { x: 2 }, code: 'UNAUTHORIZED' },
    ])
    expect(told.items).toHaveLength(2)
  })

  it('P50: causes the same errors for a change, and one error of the request for an empty set', async () => {
    const told = createInbox<string | undefined>()
    let isUp = true
    await using server = await setup({
      createContext() {
        if (!isUp) throw new Error('the database is down')
        return {}
      },
      onError: ({ path }) => told.put(path),
    })
    using s = await open(server, {})
    isUp = false
    const { connectionId } = s
    const changed = await ask(
      `${server.url}/~sse`,
      request({ revision: 2, connectionId, subscriptions: { a: { path: 'stays', input: 1 } } }),
    )
    expect(changed.status).toBe(500)
    expect(Object.keys(JSON.parse(changed.text).errors)).toEqual(['a'])
    const empty = await ask(`${server.url}/~sse`, request({ subscriptions: {} }))
    expect([empty.status, JSON.parse(empty.text).errors]).toEqual([500, undefined])
    expect(await told.takeMany(2)).toEqual(['stays', '~sse'])
  })
})

describe('a body that is nested too deep', () => {
  const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  const body = (input: string, more = ''): string =>
    `{"version":1,"revision":2,${more}"subscriptions":{"a":{"path":"stays","input":${input}}}}`

  it.each([257, 20_000, 500_000])(
    'P48: gets 400 for a stream and for a change, at a depth of %i',
    async (depth) => {
      await using server = await setup()
      using s = await open(server, {})
      for (const more of [
        '',
        `"connectionId":"${s.connectionId}",`,
        '"connectionId":"0123456789abcdef.0",',
      ]) {
        const { status, text } = await ask(`${server.url}/~sse`, {
          ...request({}),
          body: body(deep(depth), more),
        })
        expect([status, text]).toEqual([400, expect.stringContaining('P48')])
      }
    },
  )

  it('P48: also gets 400 in single mode', async () => {
    await using server = await setup()
    using stream = await openRaw(`${server.url}/stays?input=${encodeURIComponent(deep(1_000))}`)
    await stream.over
    expect(stream.messages.at(-1)?.data).toContain('nested more than 256 deep')
  })

  it('P48: gets 400 even if middleware has parsed it', async () => {
    await using server = await setup({
      middleware(req, _res, next) {
        let text = ''
        req.on('data', (chunk) => {
          text += chunk
        })
        req.on('end', () => {
          Object.assign(req, { body: JSON.parse(text) })
          next()
        })
      },
    })
    const { status } = await ask(`${server.url}/~sse`, { ...request({}), body: body(deep(20_000)) })
    expect(status).toBe(400)
  })

  it('P46: other unusual bodies get an answer, and their names affect nothing else', async () => {
    await using server = await setup()
    for (const [text, status] of [
      ['\ufeff{"version":1,"revision":1,"subscriptions":{}}', 200],
      [
        '{"version":1,"revision":1,"subscriptions":{},"subscriptions":{"b":{"path":"stays","input":1}}}',
        200,
      ],
      ['{"version":1,"revision":1,"subscriptions":{"__proto__":{"path":"__proto__"}}}', 200],
      ['{"version":1,"revision":1,"__proto__":{"connectionId":"x"},"subscriptions":{}}', 200],
      [
        '{"version":1,"revision":1,"subscriptions":{"constructor":{"path":"constructor"},"b":{"path":"toString"}}}',
        200,
      ],
      [
        '{"version":1,"revision":1,"subscriptions":{"b":{"path":"\\ud800","input":"\\udfff"}}}',
        200,
      ],
      [
        '{"version":1,"revision":1,"subscriptions":{"b":{"path":"stays","lastEventId":"\\ud800"}}}',
        200,
      ],
      [
        `{"version":1,"revision":1,"subscriptions":{"b":{"path":"stays","lastEventId":"${'1'.repeat(900_000)}"}}}`,
        200,
      ],
      [
        `{"version":1,"revision":1,"connectionId":"${'1'.repeat(900_000)}","subscriptions":{}}`,
        400,
      ],
      ['{"version":1,"revision":1e400,"subscriptions":{}}', 400],
      ['{"version":1,"revision":9007199254740993,"subscriptions":{}}', 400],
      ['{"version":1,"revision":1,"subscriptions":{"b":{"path":["stays"]}}}', 400],
      ['nul', 400],
      ['', 400],
    ] as const) {
      using stream = await openRaw(`${server.url}/~sse`, { ...request({}), body: text })
      expect([text.slice(0, 80), stream.status]).toEqual([text.slice(0, 80), status])
      const wanted = Object.keys(
        status === 200 ? JSON.parse(text.replace('\ufeff', '')).subscriptions : {},
      )
      for (const _ of wanted) while (!(await stream.next()).event.startsWith('$')) {}
    }
    expect(Object.prototype).not.toHaveProperty('path')
  })
})
