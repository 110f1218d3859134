import { initTRPC, tracked } from '@trpc/server'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ask, openRaw, subscriptionUrl } from '../../../../tests/support/http.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { channel, createChannels, createServerLink, merge } from '../index.ts'

const t = initTRPC.create()
const channels = createChannels({
  channels: {
    room: channel({ params: z.string(), event: z.string() }),
    brief: channel({ event: z.number(), retain: { events: 2 } }),
  },
})
const router = t.router({
  room: t.procedure
    .input(z.string())
    .subscription((opts) => channels.room(opts.input).subscribe(opts)),
  both: t.procedure.subscription((opts) =>
    merge([channels.room('a').subscribe(opts), channels.room('b').subscribe(opts)]),
  ),
  brief: t.procedure.subscription((opts) => channels.brief().subscribe(opts)),
  briefOrError: t.procedure.subscription((opts) =>
    channels.brief().subscribe({ ...opts, onGap: 'error' }),
  ),
  briefByGenerator: t.procedure.subscription(async function* (opts) {
    yield* channels.brief().subscribe(opts)
  }),
  /** A procedure that has its own use for the client's id. */
  generator: t.procedure
    .input(z.object({ lastEventId: z.string().optional() }).optional())
    .subscription(async function* ({ input }) {
      yield input?.lastEventId?.length ?? 0
      yield tracked('id', 1)
    }),
  started: t.procedure.subscription(async function* (opts) {
    yield 'before'
    yield* channels.brief().subscribe(opts)
  }),
})

afterAll(() => channels.close())

const secrets = ['secret 1', 'secret 2']
const a = await channels.room('a').publishMany(['a1', 'a2', 'a3'])
const b = await channels.room('b').publishMany(secrets)
const brief = await channels.brief().publishMany([1, 2, 3, 4, 5])
const idOf = (events: ReadonlyArray<{ id: string }>, index: number): string =>
  events[index]?.id ?? ''

/** The start of the response to a lastEventId: an error, or the second message. */
async function answerTo(url: string, headers: Record<string, string> = {}) {
  using stream = await openRaw(url, { headers })
  await stream.next()
  const second = await stream.next()
  if (second.event === 'serialized-error')
    return { code: JSON.parse(second.data).data.code as string }
  return { code: undefined, second, stream }
}

const invalid: Record<string, string> = {
  'a text': 'hello',
  'half an id': '123',
  'an id with leading zeros': '01-0',
  'an id with a sign': '-1-0',
  'an id beyond 20 digits': `${'9'.repeat(21)}-0`,
  'a composite id': 'abc=1-0',
  'many ids': '1-0,2-0',
  'a path': '../../b',
  'a key of a log': '["room","b"]',
  'a Redis pattern': 'trpc-sse:*',
  'a Redis id': '$',
  'the first Redis id': '-',
  NUL: '\0',
  'control characters': '1-0\r\nid: 9-9\r\n\r\ndata: "forged"',
  emoji: '💥',
  'half a surrogate pair': '\ud83d',
  '10 kB': '1'.repeat(10_000),
  JSON: '{"$gt":""}',
  'another notation of digits': '１-０',
}

describe('P12: a lastEventId that no channel has issued', () => {
  it.each(Object.entries(invalid))(
    'gets BAD_REQUEST in tRPC’s shape: %s',
    async (_, lastEventId) => {
      await using server = await serveRouter(router)
      const query = { input: 'a', lastEventId }
      expect(await answerTo(subscriptionUrl(server.url, 'room', query))).toEqual({
        code: 'BAD_REQUEST',
      })
      const inInput = { input: { lastEventId } }
      const { code } = await answerTo(subscriptionUrl(server.url, 'brief', { lastEventId }))
      expect(code).toBe('BAD_REQUEST')
      // A generator that accepts any text gets the id.
      const { text } = await ask(subscriptionUrl(server.url, 'generator', inInput))
      expect(text).toContain(`data: ${lastEventId.length}`)
      expect(server.link.stats().connections).toBe(0)
    },
  )

  it.each(['hello', '1-0\u00e9', '1-0=1-0', 'x'.repeat(10_000)])(
    'gets BAD_REQUEST in a header that Node accepts: %s',
    async (lastEventId) => {
      await using server = await serveRouter(router)
      const url = subscriptionUrl(server.url, 'room', { input: 'a' })
      expect(await answerTo(url, { 'last-event-id': lastEventId })).toEqual({ code: 'BAD_REQUEST' })
    },
  )

  it('gets Node’s own answer if it is too long for a header, and the server keeps running', async () => {
    await using server = await serveRouter(router)
    const url = subscriptionUrl(server.url, 'room', { input: 'a' })
    const answer = await ask(url, { headers: { 'last-event-id': 'x'.repeat(100_000) } })
    expect(answer.status).toBe(431)
    expect(await answerTo(url)).toMatchObject({ second: { event: 'restore-id' } })
  })

  it('gets BAD_REQUEST at any length through link.fetch', async () => {
    const link = createServerLink({ router, createContext: () => ({}) })
    const url = `http://localhost/room?input="a"&lastEventId=${'1'.repeat(10_000_000)}`
    const text = await (await link.fetch(new Request(url))).text()
    expect(text).toContain('BAD_REQUEST')
    expect(text.length).toBeLessThan(5_000)
  })

  it.each(['1-0', 'a=1-0,b=2-0,', '=1-0', 'A=1-0', 'a=1', `${'a'.repeat(17)}=1-0`, 'a=1-0,,b=1-0'])(
    'gets BAD_REQUEST from a merged subscription: %s',
    async (lastEventId) => {
      await using server = await serveRouter(router)
      const url = subscriptionUrl(server.url, 'both', { lastEventId })
      expect(await answerTo(url)).toEqual({ code: 'BAD_REQUEST' })
    },
  )
})

describe('P12: a lastEventId of another channel', () => {
  it('never shows that channel', async () => {
    await using server = await serveRouter(router)
    for (const { id } of [...b, ...brief]) {
      const { second, stream } = await answerTo(
        subscriptionUrl(server.url, 'room', { input: 'a', lastEventId: id }),
      )
      // Either the id happens to be a position in this channel too, or there is a gap.
      if (second?.event !== 'message') expect(second?.event).toBe('gap')
      expect(stream?.messages.map(({ data }) => data).join()).not.toContain('secret')
    }
  })

  it('starts the channels of a merge that are not in the id', async () => {
    await using server = await serveRouter(router)
    const { second, stream } = await answerTo(
      subscriptionUrl(server.url, 'both', { lastEventId: 'nosuchlog=1-0' }),
    )
    expect(second?.event).toBe('restore-id')
    expect(stream?.messages.map(({ data }) => data).join()).not.toContain('secret')
  })
})

describe('P22: a position that can no longer be resumed', () => {
  it('gets one gap, then the retained events', async () => {
    await using server = await serveRouter(router)
    const lastEventId = idOf(brief, 0)
    for (const path of ['brief', 'briefByGenerator']) {
      using stream = await openRaw(subscriptionUrl(server.url, path, { lastEventId }))
      const messages = await stream.nextMany(4)
      expect(messages.slice(1)).toEqual([
        {
          event: 'gap',
          data: JSON.stringify({ lastEventId, reason: 'trimmed' }),
          id: idOf(brief, 2),
        },
        { event: 'message', data: '4', id: idOf(brief, 3) },
        { event: 'message', data: '5', id: idOf(brief, 4) },
      ])
      expect(server.link.stats().gaps).toBeGreaterThan(0)
    }
  })

  it('gets one gap if it is in the future, as it belongs to another log', async () => {
    await using server = await serveRouter(router)
    const lastEventId = '99999999999999999999-1'
    using stream = await openRaw(subscriptionUrl(server.url, 'brief', { lastEventId }))
    const [, gap] = await stream.nextMany(2)
    expect(gap).toMatchObject({
      event: 'gap',
      data: JSON.stringify({ lastEventId, reason: 'reset' }),
    })
  })

  it('gets no gap if no event is missing', async () => {
    await using server = await serveRouter(router)
    using stream = await openRaw(
      subscriptionUrl(server.url, 'brief', { lastEventId: idOf(brief, 2) }),
    )
    expect((await stream.nextMany(3)).map(({ event }) => event)).toEqual([
      'connected',
      'message',
      'message',
    ])
    using atEnd = await openRaw(
      subscriptionUrl(server.url, 'brief', { lastEventId: idOf(brief, 4) }),
    )
    await atEnd.next()
    using other = await openRaw(
      subscriptionUrl(server.url, 'room', { input: 'a', lastEventId: idOf(a, 2) }),
    )
    await other.next()
    expect(server.link.stats().gaps).toBe(0)
    expect(atEnd.messages).toHaveLength(1)
  })

  it('ends with PRECONDITION_FAILED if the subscription asks for that', async () => {
    await using server = await serveRouter(router)
    const url = subscriptionUrl(server.url, 'briefOrError', { lastEventId: idOf(brief, 0) })
    expect(await answerTo(url)).toEqual({ code: 'PRECONDITION_FAILED' })
  })
})

describe('P20: a subscription without an event to send', () => {
  it('gets its position: from a channel', async () => {
    await using server = await serveRouter(router)
    using stream = await openRaw(`${server.url}/brief`)
    const [, position] = await stream.nextMany(2)
    expect(position).toEqual({ event: 'restore-id', data: '', id: idOf(brief, 4) })
  })

  it('gets its position: from a generator that reads a channel; P19: an untracked event doesn’t change it', async () => {
    await using server = await serveRouter(router)
    using stream = await openRaw(`${server.url}/started`)
    const [, untracked, position] = await stream.nextMany(3)
    expect(untracked).toEqual({ event: 'message', data: '"before"', id: undefined })
    expect(position).toEqual({ event: 'restore-id', data: '', id: idOf(brief, 4) })
  })
})
