import { initTRPC, TRPCError, tracked } from '@trpc/server'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ask, openRaw, type RawStream } from '../../../../../tests/support/http.ts'
import { createInbox } from '../../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../../tests/support/manual-clock.ts'
import {
  type RouterServerOptions,
  serveRouter,
} from '../../../../../tests/support/router-server.ts'
import type { Backend } from '../../backend/backend.ts'
import { memoryBackend } from '../../backend/memory.ts'
import { channel } from '../../channel/definition.ts'
import { createChannels } from '../../channels.ts'

type User = { user: string | undefined }

/** A server with a channel and procedures of every kind. Servers may share a `backend`. */
async function setup(options: RouterServerOptions & { backend?: Backend } = {}) {
  const { backend = memoryBackend(), ...link } = options
  const channels = createChannels({
    backend,
    transformer: superjson,
    onError: () => {},
    channels: {
      notes: channel({
        params: z.object({ room: z.string() }),
        event: z.object({ n: z.number(), at: z.date() }),
      }),
    },
  })
  const returned = createInbox<string>()
  const t = initTRPC.context<User>().create({ transformer: superjson })
  async function* forever(name: string, signal: AbortSignal | undefined): AsyncGenerator<string> {
    try {
      yield `${name} begins`
      await new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason)),
      )
    } finally {
      returned.put(name)
    }
  }
  const router = t.router({
    room: t.router({
      onNote: t.procedure
        .input(z.strictObject({ room: z.string() }))
        .subscription((opts) => channels.notes(opts.input).subscribe(opts)),
      onBig: t.procedure.input(z.strictObject({ room: z.string() })).subscription((opts) =>
        channels
          .notes(opts.input)
          .subscribe({ ...opts, replay: 'all' })
          .filter(({ n }) => n > 1),
      ),
    }),
    forever: t.procedure
      .input(z.string())
      .subscription(({ input, signal }) => forever(input, signal)),
    count: t.procedure.subscription(async function* () {
      yield tracked('1', 'one')
      yield 'untracked'
    }),
    fails: t.procedure.subscription(async function* () {
      yield 1
      throw new TRPCError({ code: 'CONFLICT', message: 'no more' })
    }),
    whoami: t.procedure.subscription(async function* ({ ctx }) {
      yield ctx.user ?? 'nobody'
    }),
    query: t.procedure.query(() => 'hi'),
  })
  const server = await serveRouter(router, {
    channels,
    createContext: ({ req }: { req: { headers: Record<string, string | undefined> } }) => {
      if (req.headers.user === 'mallory') throw new TRPCError({ code: 'UNAUTHORIZED' })
      return { user: req.headers.user }
    },
    connectionKey: (ctx: User) => ctx.user,
    ...link,
  } as RouterServerOptions)
  return Object.assign(server, { channels, backend, returned })
}

type Setup = Awaited<ReturnType<typeof setup>>
type Wanted = Record<string, { path: string; input?: unknown; lastEventId?: string }>

const request = (body: unknown, user?: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...(user === undefined ? {} : { user }) },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

const open = (server: Setup, subscriptions: Wanted, user?: string): Promise<RawStream> =>
  openRaw(`${server.url}/~sse`, request({ version: 1, revision: 1, subscriptions }, user))

const control = (server: Setup, body: object, user?: string) =>
  ask(`${server.url}/~sse`, request({ version: 1, ...body }, user))

async function connectionIdOf(stream: RawStream): Promise<string> {
  const { event, data } = await stream.next()
  expect(event).toBe('$connected')
  return JSON.parse(data).connectionId
}

const note = (room: string) => ({ path: 'room.onNote', input: superjson.serialize({ room }) })
const endless = (name: string) => ({ path: 'forever', input: superjson.serialize(name) })
const at = new Date('2026-01-02T03:04:05Z')

/** The received messages, without random ids. */
const shown = ({ event, data }: { event: string; data: string }) => [
  event,
  data === '' ? '' : JSON.parse(data),
]

describe('a multiplexed stream', () => {
  it('P46, P49, P51, P52: carries many subscriptions, each by its key', async () => {
    await using server = await setup()
    using stream = await open(server, { a: note('a'), b: note('b'), c: { path: 'count' } })
    expect(stream.status).toBe(200)
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    const connected = JSON.parse((await stream.next()).data)
    expect(connected.connectionId).toMatch(/^[\da-f]{16}\.[\da-f]{32}$/)
    expect(connected.reconnectAfterInactivityMs).toBe(45_000)
    const opening = await stream.nextMany(6)
    const byKey = (key: string) =>
      opening.filter(({ event, data }) => event === key || data.includes(`"${key}"`))
    expect(byKey('c').map(shown)).toEqual([
      ['$started', { key: 'c' }],
      ['c', { json: 'one' }],
      ['c', { json: 'untracked' }],
      ['$stopped', { key: 'c' }],
    ])
    expect(byKey('c').map(({ id }) => id)).toEqual([undefined, '1', undefined, undefined])
    expect(byKey('a')[0]).toMatchObject({
      event: '$started',
      id: expect.stringMatching(/^\d+-\d+$/),
    })
    const { id } = await server.channels.notes({ room: 'b' }).publish({ n: 1, at })
    expect(await stream.next()).toEqual({
      event: 'b',
      id,
      data: JSON.stringify(superjson.serialize({ n: 1, at })),
    })
    expect(server.link.stats()).toMatchObject({ connections: 1, subscriptions: 2 })
  })

  it('P21: resumes each subscription from its own position', async () => {
    await using server = await setup()
    const a = await server.channels
      .notes({ room: 'a' })
      .publishMany([1, 2, 3].map((n) => ({ n, at })))
    const b = await server.channels.notes({ room: 'b' }).publishMany([4, 5].map((n) => ({ n, at })))
    using stream = await open(server, {
      a: { ...note('a'), lastEventId: a[0]?.id ?? '' },
      b: { ...note('b'), lastEventId: b[0]?.id ?? '' },
    })
    await connectionIdOf(stream)
    const messages = await stream.nextMany(5)
    const numbers = messages
      .filter(({ event }) => !event.startsWith('$'))
      .map(({ event, data }) => [event, JSON.parse(data).json.n])
    expect(numbers.sort()).toEqual([
      ['a', 2],
      ['a', 3],
      ['b', 5],
    ])
  })

  it('P53: reports one that fails, one that completes, one that never starts and a gap, next to healthy ones', async () => {
    await using server = await setup()
    await server.channels.notes({ room: 'a' }).publish({ n: 1, at })
    using stream = await open(server, {
      ok: note('b'),
      bad: { path: 'fails' },
      none: { path: 'no.such' },
      query: { path: 'query' },
      input: { path: 'room.onNote', input: superjson.serialize({ place: 1 }) },
      forged: { ...note('a'), lastEventId: 'evil' },
      gap: { ...note('a'), lastEventId: '1-0' },
    })
    await connectionIdOf(stream)
    const messages = await stream.nextMany(15)
    const about = (key: string) =>
      messages
        .filter(({ event, data }) => event === key || JSON.parse(data).key === key)
        .map(({ event, data }) => [event, JSON.parse(data).error?.json.data.code])
    expect(about('bad')).toEqual([
      ['$started', undefined],
      ['bad', undefined],
      ['$error', 'CONFLICT'],
    ])
    for (const [key, code] of [
      ['none', 'NOT_FOUND'],
      ['query', 'NOT_FOUND'],
      ['input', 'BAD_REQUEST'],
      ['forged', 'BAD_REQUEST'],
    ] as const) {
      expect(about(key)).toEqual([
        ['$started', undefined],
        ['$error', code],
      ])
    }
    expect(about('gap').map(([event]) => event)).toEqual(['$started', '$gap', 'gap'])
    expect(messages.find(({ event }) => event === '$gap')).toMatchObject({
      data: '{"key":"gap","lastEventId":"1-0","reason":"trimmed"}',
      id: expect.stringMatching(/^\d+-\d+$/),
    })
    await server.channels.notes({ room: 'b' }).publish({ n: 9, at })
    expect((await stream.next()).event).toBe('ok')
    expect(server.link.stats()).toMatchObject({ subscriptions: 2 })
  })

  it('P54: is kept alive by one heartbeat, which sends the position of a filtered subscription', async () => {
    const clock = manualClock()
    await using server = await setup({ clock, heartbeatMs: 1_000 })
    using stream = await open(server, {
      big: { ...note('a'), path: 'room.onBig' },
      e: endless('e'),
    })
    await connectionIdOf(stream)
    await stream.nextMany(3)
    const { id } = await server.channels.notes({ room: 'a' }).publish({ n: 1, at })
    using other = await open(server, { a: note('a') })
    await other.nextMany(2)
    clock.advance(1_200)
    expect(await stream.nextMany(2)).toEqual([
      { event: '$position', data: '{"key":"big"}', id },
      { event: '$ping', data: '', id: undefined },
    ])
  })

  it('P28: ends every procedure when the client is gone', async () => {
    await using server = await setup()
    using stream = await open(server, { a: endless('a'), b: endless('b'), n: note('x') })
    await connectionIdOf(stream)
    await stream.nextMany(5)
    stream.leave()
    expect(new Set(await server.returned.takeMany(2))).toEqual(new Set(['a', 'b']))
    expect(server.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  })

  it('P55, P61: asks to reconnect before it ends, and completes nothing by ending', async () => {
    const clock = manualClock()
    await using server = await setup({ clock })
    using stream = await open(server, { a: note('a') })
    await connectionIdOf(stream)
    await stream.next()
    const drained = server.link.drain()
    expect(await stream.next()).toMatchObject({ event: '$reconnect', data: '{"reason":"drain"}' })
    await server.channels.notes({ room: 'a' }).publish({ n: 1, at })
    expect((await stream.next()).event).toBe('a')
    clock.advance(4_000)
    expect(server.link.stats().connections).toBe(1)
    clock.advance(2_000)
    await drained
    expect((await stream.over).by).toBe('end')
    expect(stream.messages.map(({ event }) => event)).not.toContain('$stopped')
  })

  it('P46: lasts no longer than its client asks for, and hands over before its end', async () => {
    const clock = manualClock()
    await using server = await setup({ clock })
    const set = { version: 1, revision: 1, subscriptions: { a: note('a') } }
    using stream = await openRaw(`${server.url}/~sse`, request({ ...set, maxDurationMs: 5_000 }))
    await connectionIdOf(stream)
    await stream.next()
    clock.advance(4_499)
    expect(server.link.stats().connections).toBe(1)
    clock.advance(1)
    expect(await stream.next()).toMatchObject({
      event: '$reconnect',
      data: '{"reason":"max-duration"}',
    })
    await server.channels.notes({ room: 'a' }).publish({ n: 1, at })
    expect((await stream.next()).event).toBe('a')
    clock.advance(500)
    expect((await stream.over).by).toBe('end')
    for (const maxDurationMs of [0, 99, -1, 3_600_001, '5000', null, {}]) {
      const answer = await ask(`${server.url}/~sse`, request({ ...set, maxDurationMs }))
      expect([answer.status, answer.text.includes('P46')]).toEqual([400, true])
    }
  })

  it('P25: is disconnected by the paths of its current subscriptions', async () => {
    await using server = await setup()
    using stream = await open(server, { a: endless('a'), b: endless('b'), c: { path: 'count' } })
    const connectionId = await connectionIdOf(stream)
    await stream.nextMany(8)
    const seen: unknown[] = []
    server.link.disconnect(({ paths }) => {
      seen.push([...paths])
      return false
    })
    await control(server, { connectionId, revision: 2, subscriptions: { n: note('a') } })
    await stream.next()
    expect(server.link.disconnect(({ paths }) => paths.includes('forever'))).toBe(0)
    expect(server.link.disconnect(({ paths }) => paths.includes('room.onNote'))).toBe(1)
    expect((await stream.over).by).toBe('end')
    expect(seen).toEqual([['forever']])
  })

  it('runs in the context of its request', async () => {
    await using server = await setup()
    using stream = await open(server, { w: { path: 'whoami' } }, 'ann')
    await connectionIdOf(stream)
    expect((await stream.nextMany(2)).map(shown)).toContainEqual(['w', { json: 'ann' }])
  })
})

describe('a channel with a different transformer than the router', () => {
  it.each(['/plain', '/~sse'])(
    'fails on %s with a message that says what to do, instead of changing types',
    async (path) => {
      const channels = createChannels({ channels: { plain: channel({ event: z.date() }) } })
      const t = initTRPC.create({ transformer: superjson })
      const router = t.router({
        plain: t.procedure.subscription((opts) => channels.plain().subscribe(opts)),
      })
      await using server = await serveRouter(router)
      const set = { version: 1, revision: 1, subscriptions: { p: { path: 'plain' } } }
      using stream = await openRaw(`${server.url}${path}`, path === '/~sse' ? request(set) : {})
      const [, , message] = await stream.nextMany(path === '/~sse' ? 3 : 2)
      expect(stream.messages.at(-1)?.data).toContain('different transformers')
      expect(message === undefined || message.event === '$error').toBe(true)
      await channels.close()
    },
  )
})

describe('a control request', () => {
  async function opened(server: Setup, subscriptions: Wanted, user?: string) {
    const stream = await open(server, subscriptions, user)
    const connectionId = await connectionIdOf(stream)
    return { stream, connectionId, [Symbol.dispose]: () => stream.leave() }
  }

  it('P58: sends nothing of a stopped subscription after the start of a new one with the same key', async () => {
    await using server = await setup()
    using s = await opened(server, { a: note('a') })
    await s.stream.next()
    const { connectionId } = s
    for (let revision = 2; revision < 40; revision += 2) {
      const late = [1, 2, 3].map((n) => server.channels.notes({ room: 'a' }).publish({ n, at }))
      await control(server, { connectionId, revision, subscriptions: {} })
      await Promise.all(late)
      const room = revision % 4 === 0 ? 'b' : 'a'
      await control(server, {
        connectionId,
        revision: revision + 1,
        subscriptions: { a: note(room) },
      })
      await server.channels.notes({ room }).publish({ n: revision, at })
      const all = s.stream.messages
      await expect.poll(() => all.at(-1)?.data).toContain(`"n":${revision}`)
      const started = all.map(({ event }) => event).lastIndexOf('$started')
      expect(all.slice(started + 1).map(({ event }) => event)).toEqual(['a'])
    }
  })

  it('P56: starts new subscriptions, stops missing ones, and doesn’t affect the rest', async () => {
    await using server = await setup()
    using s = await opened(server, { a: endless('a'), b: endless('b') })
    await s.stream.nextMany(4)
    const answer = await control(server, {
      connectionId: s.connectionId,
      revision: 2,
      subscriptions: { b: endless('b'), c: endless('c') },
    })
    expect(answer).toEqual({ status: 200, text: '{"revision":2}' })
    expect(await server.returned.take()).toBe('a')
    expect((await s.stream.nextMany(2)).map(shown)).toEqual([
      ['$started', { key: 'c' }],
      ['c', { json: 'c begins' }],
    ])
    expect(server.returned.items).toEqual(['a'])
    expect(server.link.stats()).toMatchObject({ connections: 1, subscriptions: 2 })
  })

  it('P57: changes nothing if its revision is not greater', async () => {
    await using server = await setup()
    using s = await opened(server, { a: endless('a') })
    await s.stream.nextMany(2)
    const { connectionId } = s
    expect(
      (await control(server, { connectionId, revision: 5, subscriptions: { a: endless('a') } }))
        .text,
    ).toBe('{"revision":5}')
    for (const revision of [0, 4, 5]) {
      const late = await control(server, { connectionId, revision, subscriptions: {} })
      expect(late).toEqual({ status: 200, text: '{"revision":5}' })
    }
    expect(server.returned.items).toEqual([])
  })

  it('P58: starts an ended subscription again only after a set without it', async () => {
    await using server = await setup()
    using s = await opened(server, { c: { path: 'count' } })
    const run = ['$started', 'c', 'c', '$stopped']
    expect((await s.stream.nextMany(4)).map(({ event }) => event)).toEqual(run)
    const { connectionId } = s
    await control(server, { connectionId, revision: 2, subscriptions: { c: { path: 'count' } } })
    await control(server, { connectionId, revision: 3, subscriptions: {} })
    await control(server, { connectionId, revision: 4, subscriptions: { c: { path: 'count' } } })
    expect((await s.stream.nextMany(4)).map(({ event }) => event)).toEqual(run)
    expect(s.stream.messages).toHaveLength(9)
  })

  it("P59: is answered 404 for a connection that is unknown, ended or another owner's, without effect", async () => {
    await using server = await setup()
    using s = await opened(server, { a: endless('a') }, 'ann')
    await s.stream.nextMany(2)
    using gone = await opened(server, {}, 'ann')
    gone.stream.leave()
    await gone.stream.over
    const answers = []
    for (const [connectionId, user] of [
      [s.connectionId, 'bob'],
      [s.connectionId, undefined],
      [`${s.connectionId}0`, 'ann'],
      ['x', 'ann'],
      ['', 'ann'],
      [gone.connectionId, 'ann'],
    ] as const) {
      answers.push(await control(server, { connectionId, revision: 9, subscriptions: {} }, user))
    }
    for (const answer of answers) {
      expect(answer.status).toBe(404)
      expect(JSON.parse(answer.text).error.json).toMatchObject({
        data: { code: 'NOT_FOUND', path: '~sse' },
      })
    }
    expect(new Set(answers.map(({ text }) => JSON.parse(text).error.json.message)).size).toBe(1)
    expect(server.returned.items).toEqual([])
  })

  it('P60: passes createContext separately, and starts in the context of the stream', async () => {
    let made = 0
    await using server = await setup({
      createContext: ({ req }: { req: { headers: Record<string, string | undefined> } }) => {
        made += 1
        if (req.headers.user === 'mallory') throw new TRPCError({ code: 'UNAUTHORIZED' })
        return { user: made === 1 ? 'ann, who opened it' : 'ann, later' }
      },
      connectionKey: () => 'ann',
    })
    using s = await opened(server, {}, 'ann')
    const added = {
      connectionId: s.connectionId,
      revision: 2,
      subscriptions: { w: { path: 'whoami' } },
    }
    expect((await control(server, added, 'mallory')).status).toBe(401)
    expect((await control(server, added, 'ann')).status).toBe(200)
    expect((await s.stream.nextMany(2)).map(shown)).toContainEqual([
      'w',
      { json: 'ann, who opened it' },
    ])
    expect(made).toBe(3)
  })

  it('P59: reaches the stream through the backend, whichever instance has it', async () => {
    await using holder = await setup()
    await using other = await setup({ backend: holder.backend })
    using s = await opened(holder, { a: endless('a') }, 'ann')
    await s.stream.nextMany(2)
    const body = { connectionId: s.connectionId, revision: 2, subscriptions: { b: endless('b') } }
    expect((await control(other, body, 'bob')).status).toBe(404)
    expect(await control(other, body, 'ann')).toEqual({ status: 200, text: '{"revision":2}' })
    expect(await holder.returned.take()).toBe('a')
    expect((await s.stream.nextMany(2)).map(({ event }) => event)).toEqual(['$started', 'b'])
    const bad = { ...body, revision: 3, subscriptions: { b: endless('x') } }
    expect((await control(other, bad, 'ann')).status).toBe(400)
  })

  it("P59: is answered 404 if the instance with the stream can't be reached", async () => {
    const clock = manualClock()
    await using holder = await setup()
    await using other = await setup({ clock })
    using s = await opened(holder, { a: endless('a') })
    await s.stream.nextMany(2)
    const answer = control(other, { connectionId: s.connectionId, revision: 2, subscriptions: {} })
    await clock.due(1_500)
    clock.advance(1_500)
    expect((await answer).status).toBe(404)
    expect(holder.returned.items).toEqual([])
  })
})

describe('P48: a body that breaks the protocol', () => {
  const set = { version: 1, revision: 1, subscriptions: {} }
  const many = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, i) => [`k${i}`, { path: 'count' }]),
  )
  it.each([
    ['no JSON', '{', 'P46'],
    ['no object', '[]', 'P46'],
    ['no version', { revision: 1, subscriptions: {} }, 'P46'],
    ['another version', { ...set, version: 2 }, 'P46'],
    ['no revision', { version: 1, subscriptions: {} }, 'P46'],
    ['a negative revision', { ...set, revision: -1 }, 'P46'],
    ['no subscriptions', { version: 1, revision: 1 }, 'P46'],
    ['subscriptions as an array', { ...set, subscriptions: [] }, 'P46'],
    ['a subscription without a path', { ...set, subscriptions: { a: {} } }, 'P46'],
    [
      'a lastEventId that is no text',
      { ...set, subscriptions: { a: { path: 'count', lastEventId: 1 } } },
      'P46',
    ],
    ['a key with a dollar', { ...set, subscriptions: { $ping: { path: 'count' } } }, 'P47'],
    [
      'a key with a line break',
      { ...set, subscriptions: { 'a\ndata: x': { path: 'count' } } },
      'P47',
    ],
    ['an empty key', { ...set, subscriptions: { '': { path: 'count' } } }, 'P47'],
    ['a connection id that is no text', { ...set, connectionId: 5 }, 'P49'],
    [
      '1,001 subscriptions',
      { ...set, subscriptions: Object.fromEntries(Object.entries(many).slice(0, 1_001)) },
      'P48',
    ],
    ['100,000 subscriptions', { ...set, subscriptions: many }, 'P48'],
    ['ten megabytes', `{"version":1,"revision":1,"x":"${'x'.repeat(10_000_000)}"}`, 'P48'],
  ])("%s gets 400, tRPC's error shape and the clause", async (_name, body, clause) => {
    await using server = await setup()
    const answer = await ask(`${server.url}/~sse`, request(body))
    expect(answer.status).toBe(400)
    const { message, data } = JSON.parse(answer.text).error.json
    expect(data).toMatchObject({ code: 'BAD_REQUEST', httpStatus: 400, path: '~sse' })
    expect(message).toContain(clause)
    expect(server.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  })

  it('P47: a key with a different path or input than before gets 400, and nothing changes', async () => {
    await using server = await setup()
    using stream = await open(server, { a: endless('a') })
    const connectionId = await connectionIdOf(stream)
    await stream.nextMany(2)
    for (const other of [endless('z'), { path: 'count' }]) {
      const answer = await control(server, {
        connectionId,
        revision: 2,
        subscriptions: { b: endless('b'), a: other },
      })
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('P47')
    }
    expect((await control(server, { connectionId, revision: 1, subscriptions: {} })).text).toBe(
      '{"revision":1}',
    )
    expect(server.link.stats()).toMatchObject({ subscriptions: 1 })
  })

  it.each([
    ['text/plain', 'it is "text/plain"'],
    [undefined, 'it has none'],
  ])(
    'P48: the content type %s gets 415, as it needs no preflight, and the error names the header',
    async (type, said) => {
      await using server = await setup()
      const headers: Record<string, string> = type ? { 'content-type': type } : {}
      const answer = await ask(`${server.url}/~sse`, { method: 'POST', headers, body: '{}' })
      expect(answer.status).toBe(415)
      expect(JSON.parse(answer.text).error.json.message).toMatch(
        /content-type: application\/json.*P46/,
      )
      expect(JSON.parse(answer.text).error.json.message).toContain(said)
    },
  )

  it('GET is answered by tRPC, which has no such path', async () => {
    await using server = await setup()
    expect((await ask(`${server.url}/~sse`)).status).toBe(404)
  })
})

describe('P50: a stream that can’t be opened', () => {
  it('is answered with the status and the shape of the error', async () => {
    await using server = await setup()
    const answer = await ask(
      `${server.url}/~sse`,
      request({ version: 1, revision: 1, subscriptions: {} }, 'mallory'),
    )
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.text).error.json.data.code).toBe('UNAUTHORIZED')
  })

  it.each([
    [{ connections: 1 }, 503, 'SERVICE_UNAVAILABLE'],
    [{ connectionsPerKey: 1 }, 429, 'TOO_MANY_REQUESTS'],
  ])('names the limit for %j, and says when to retry', async (limits, status, code) => {
    await using server = await setup({ limits })
    using first = await open(server, {}, 'ann')
    await connectionIdOf(first)
    using refused = await open(server, {}, 'ann')
    const { text } = await refused.over
    expect(refused.status).toBe(status)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(3)
    expect(JSON.parse(text).error.json).toMatchObject({
      data: { code },
      message: expect.stringContaining('limit of 1'),
    })
    expect(server.link.stats()).toMatchObject({ connections: 1, refused: 1 })
    first.leave()
    await first.over
  })

  it('is refused while the server drains', async () => {
    await using server = await setup()
    await server.link.drain()
    using refused = await open(server, {})
    await refused.over
    expect(refused.status).toBe(503)
    // A short time, and on a new socket, so that another server answers.
    expect(refused.headers).toMatchObject({ 'retry-after': '1', connection: 'close' })
  })
})

describe('P29: a client that does not read', () => {
  it('uses bounded memory, delays no other client, and gets every event when it reads again', async () => {
    await using server = await setup({ maxBufferedBytes: 65_536 })
    const count = 900
    const text = 'x'.repeat(20_000)
    const big = server.channels.notes({ room: 'big' })
    const small = server.channels.notes({ room: 'small' })
    using slow = await open(server, { big: note('big'), small: note('small') })
    using fast = await open(server, { small: note('small') })
    await connectionIdOf(slow)
    await slow.nextMany(2)
    await fast.nextMany(2)
    slow.pause()
    for (let n = 1; n <= count; n++) {
      await big.publish({ n, at, text } as never)
      if (n % 10 === 0) await small.publish({ n, at })
    }
    expect(
      (await fast.nextMany(count / 10)).map(({ data }) => JSON.parse(data).json.n),
    ).toHaveLength(count / 10)
    slow.resume()
    const messages = await slow.nextMany(count + count / 10)
    const numbers = (key: string) =>
      messages.filter(({ event }) => event === key).map(({ data }) => JSON.parse(data).json.n)
    expect(numbers('big')).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    expect(numbers('small')).toEqual(Array.from({ length: count / 10 }, (_, i) => (i + 1) * 10))
  })
})
