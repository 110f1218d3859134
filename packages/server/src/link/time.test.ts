import { initTRPC, tracked } from '@trpc/server'
import { encode } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openRaw, type RawStream } from '../../../../tests/support/http.ts'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { type ManualClock, manualClock } from '../../../../tests/support/manual-clock.ts'
import { type RouterServerOptions, serveRouter } from '../../../../tests/support/router-server.ts'
import { channel, createChannels, createServerLink } from '../index.ts'

type Sse = NonNullable<NonNullable<Parameters<typeof initTRPC.create>[0]>['sse']>

interface SetupOptions {
  readonly sse?: Sse
  readonly clock?: ManualClock
  readonly link?: RouterServerOptions
}

async function setup({ sse = {}, clock = manualClock(), link = {} }: SetupOptions = {}) {
  const t = initTRPC.context<{ user?: string }>().create({ sse })
  const channels = createChannels({ channels: { log: channel({ event: z.number() }) } })
  const returned = createInbox<string>()
  const router = t.router({
    log: t.procedure.subscription((opts) => channels.log().subscribe(opts)),
    even: t.procedure.subscription((opts) =>
      channels
        .log()
        .subscribe(opts)
        .filter((n) => n % 2 === 0),
    ),
    silent: t.procedure.subscription(async function* ({ signal, path }) {
      try {
        yield tracked('1', 1)
        await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      } finally {
        returned.put(path)
      }
    }),
    ends: t.procedure.subscription(async function* () {}),
  })
  const server = await serveRouter(router, { clock, ...link })
  return {
    clock,
    server,
    returned,
    url: server.url,
    link: server.link,
    log: channels.log(),
    async [Symbol.asyncDispose]() {
      await channels.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('P17: a heartbeat', () => {
  it('shows that a stream is alive after the given silence, and no earlier', async () => {
    await using test = await setup({ link: { heartbeatMs: 10_000 } })
    using stream = await openRaw(`${test.url}/silent`)
    expect(JSON.parse((await stream.next()).data)).toEqual({ reconnectAfterInactivityMs: 30_000 })
    await stream.next()
    const bytes = test.link.stats().bytesSent
    test.clock.advance(9_000)
    expect(test.link.stats().bytesSent).toBe(bytes)
    test.clock.advance(1_000)
    expect((await stream.next()).event).toBe('ping')
    expect(test.link.stats().bytesSent).toBe(bytes + 'event: ping\ndata: \n\n'.length)
    test.clock.advance(30_000)
    expect((await stream.nextMany(3)).map(({ event }) => event)).toEqual(['ping', 'ping', 'ping'])
  })

  it.each([-3_600_000, 3_600_000])(
    'comes when it is due, even if the clock is set by %i ms',
    async (jumpMs) => {
      const clock = manualClock()
      let setByMs = 0
      // The time of day changes, the elapsed time doesn't.
      const set = { ...clock, now: () => clock.now() + setByMs, monotonicMs: clock.now }
      await using test = await setup({ clock: set, link: { heartbeatMs: 10_000 } })
      using stream = await openRaw(`${test.url}/silent`)
      await stream.nextMany(2)
      setByMs = jumpMs
      const bytes = test.link.stats().bytesSent
      clock.advance(9_000)
      expect(test.link.stats().bytesSent).toBe(bytes)
      clock.advance(1_000)
      expect((await stream.next()).event).toBe('ping')
    },
  )

  it('is spread over time for streams that were opened, or were sent an event, together', async () => {
    await using test = await setup({ link: { heartbeatMs: 12_000 } })
    const streams: RawStream[] = []
    for (let i = 0; i < 60; i++) {
      const stream = await openRaw(`${test.url}/log`)
      streams.push(stream)
      await stream.nextMany(2)
      test.clock.advance(1)
    }
    const pingBytes = encode({ event: 'ping', data: '' }).length
    for (const round of [1, 2]) {
      await test.log.publish(round)
      await Promise.all(streams.map((stream) => stream.next()))
      const counts: number[] = []
      for (let ms = 0; ms < 12_500; ms += 250) {
        const before = test.link.stats().bytesSent
        test.clock.advance(250)
        await new Promise((resolve) => setImmediate(resolve))
        counts.push((test.link.stats().bytesSent - before) / pingBytes)
      }
      expect(counts.reduce((sum, count) => sum + count)).toBe(60)
      // Not before two thirds of the time, and never many together.
      expect(counts.slice(0, 31).every((count) => count === 0)).toBe(true)
      expect(Math.max(...counts)).toBeLessThanOrEqual(6)
      await Promise.all(streams.map((stream) => stream.next()))
    }
    for (const stream of streams) stream.leave()
  })

  it('is not sent while there are events', async () => {
    await using test = await setup({ link: { heartbeatMs: 10_000 } })
    using stream = await openRaw(`${test.url}/log`)
    await stream.nextMany(2)
    for (let n = 1; n <= 5; n++) {
      test.clock.advance(8_000)
      await test.log.publish(n)
      expect(await stream.next()).toMatchObject({ event: 'message', data: `${n}` })
    }
  })

  it('comes from one timer for all connections, which exists only while there are any', async () => {
    await using test = await setup()
    expect(test.clock.timers()).toEqual([])
    const streams: RawStream[] = []
    for (let turn = 0; turn < 5; turn++) {
      const opened = Array.from({ length: 10 }, () => openRaw(`${test.url}/silent`))
      streams.push(...(await Promise.all(opened)))
      test.clock.advance(1)
    }
    expect(test.clock.timers()).toHaveLength(1)
    for (const stream of streams) stream.leave()
    await test.returned.takeMany(50)
    test.clock.advance(1_000)
    expect(test.clock.timers()).toEqual([])
  })

  it('announces the position if a filter has skipped events', async () => {
    await using test = await setup({ link: { heartbeatMs: 10_000 } })
    using stream = await openRaw(`${test.url}/even`)
    expect((await stream.nextMany(2)).map(({ event }) => event)).toEqual([
      'connected',
      'restore-id',
    ])
    const published = await test.log.publishMany([1, 3, 5])
    using other = await openRaw(`${test.url}/log`)
    await other.nextMany(2)
    test.clock.advance(10_000)
    const [position, ping] = await stream.nextMany(2)
    expect(position).toEqual({ event: 'restore-id', data: '', id: published.at(-1)?.id })
    expect(ping).toMatchObject({ event: 'ping' })
    // Once: the position has not moved since.
    test.clock.advance(10_000)
    expect(await stream.next()).toMatchObject({ event: 'ping' })
  })

  it('waits for a response that has not started', async () => {
    const making = createInbox<() => void>()
    const clock = manualClock()
    await using test = await setup({
      clock,
      link: { createContext: () => new Promise((resolve) => making.put(() => resolve({}))) },
    })
    const opening = openRaw(`${test.url}/silent`)
    const made = await making.take()
    clock.advance(60_000)
    made()
    using stream = await opening
    expect((await stream.nextMany(2)).map(({ event }) => event)).toEqual(['connected', 'message'])
  })

  it.each([
    [{}, 15_000, 45_000],
    [{ ping: { enabled: true } }, 1_000, 3_000],
    [{ ping: { enabled: true, intervalMs: 4_000 } }, 4_000, 12_000],
    [{ client: { reconnectAfterInactivityMs: 0 } }, 15_000, 0],
    [{ client: { reconnectAfterInactivityMs: 6_000 } }, 2_000, 6_000],
    [
      { ping: { enabled: true, intervalMs: 2_000 }, client: { reconnectAfterInactivityMs: 3_000 } },
      2_000,
      3_000,
    ],
  ] satisfies [Sse, number, number][])(
    'P15: with sse %j of initTRPC, is announced and comes after %i ms',
    async (sse, ms, inactivityMs) => {
      await using test = await setup({ sse })
      using stream = await openRaw(`${test.url}/silent`)
      expect(JSON.parse((await stream.next()).data)).toEqual({
        reconnectAfterInactivityMs: inactivityMs,
      })
      await stream.next()
      test.clock.advance(ms)
      expect((await stream.next()).event).toBe('ping')
    },
  )

  it.each([
    { ping: { enabled: false } },
    { ping: { enabled: false, intervalMs: 4_000 } },
    { ping: { enabled: true, intervalMs: 0 } },
    { ping: { enabled: true, intervalMs: Infinity } },
    { ping: { enabled: false }, client: { reconnectAfterInactivityMs: 6_000 } },
    {
      ping: { enabled: true, intervalMs: 0 },
      client: { reconnectAfterInactivityMs: 0 },
      maxDurationMs: 0,
    },
  ] satisfies Sse[])(
    'is never sent, and streams never end, if initTRPC says so: sse %j',
    async (sse) => {
      await using test = await setup({ sse })
      using stream = await openRaw(`${test.url}/log`)
      expect(JSON.parse((await stream.next()).data)).toMatchObject(
        'client' in sse ? sse.client : {},
      )
      await stream.next()
      test.clock.advance(10_000_000)
      await test.log.publish(1)
      expect((await stream.next()).event).toBe('message')
    },
  )

  it('is sent if the link’s options say so, even if initTRPC turns pings off', async () => {
    await using test = await setup({
      sse: { ping: { enabled: false } },
      link: { heartbeatMs: 10_000 },
    })
    using stream = await openRaw(`${test.url}/silent`)
    await stream.nextMany(2)
    test.clock.advance(10_000)
    expect((await stream.next()).event).toBe('ping')
  })

  it('is never sent if it is turned off', async () => {
    await using test = await setup({ link: { heartbeatMs: Infinity } })
    using stream = await openRaw(`${test.url}/log`)
    expect(await stream.next()).toMatchObject({ event: 'connected', data: '{"live":false}' })
    await stream.next()
    test.clock.advance(10_000_000)
    await test.log.publish(1)
    expect((await stream.next()).event).toBe('message')
  })

  it.each([
    { heartbeatMs: 0 },
    { heartbeatMs: -1 },
    { heartbeatMs: Number.NaN },
    { heartbeatMs: 7_000, inactivityMs: 6_000 },
    { retryMs: -1 },
    { maxBufferedBytes: Number.NaN },
    { limits: { connections: Number.NaN } },
  ])('with %j is refused when the link is created', ({ inactivityMs, ...options }) => {
    const client = inactivityMs === undefined ? {} : { reconnectAfterInactivityMs: inactivityMs }
    const t = initTRPC.create({ sse: { client } })
    expect(() =>
      createServerLink({ router: t.router({}), createContext: () => ({}), ...options }),
    ).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})

describe('P26: retry', () => {
  it.each([
    [0, 250],
    [0.5, 500],
    [0.999, 750],
  ])('is spread: for the random number %d it is %i ms', async (random, ms) => {
    await using test = await setup({ clock: manualClock({ random }) })
    using stream = await openRaw(`${test.url}/ends`)
    await stream.over
    expect(stream.retries).toEqual([ms])
  })
})

describe('P25: sse.maxDurationMs', () => {
  it.each([
    [0, 8_000],
    [0.5, 8_500],
    [0.999, 9_000],
  ])(
    'P61: asks to reconnect before a stream ends, without return; for the random number %d after %i ms',
    async (random, ms) => {
      const clock = manualClock({ random })
      await using test = await setup({ clock, sse: { maxDurationMs: 10_000 } })
      using stream = await openRaw(`${test.url}/silent`)
      await stream.nextMany(2)
      clock.advance(ms - 500)
      expect(stream.messages).toHaveLength(2)
      clock.advance(1_000)
      await stream.next()
      expect(test.link.stats().connections).toBe(1)
      clock.advance(1_500)
      expect((await stream.over).by).toBe('end')
      expect(stream.messages.slice(2)).toEqual([
        { event: 'reconnect', data: '{"reason":"max-duration"}', id: undefined },
      ])
      expect(await test.returned.take()).toBe('silent')
      expect(test.link.stats().connections).toBe(0)
    },
  )

  it('first sends the position of a filtered subscription', async () => {
    await using test = await setup({ sse: { maxDurationMs: 10_000 } })
    using stream = await openRaw(`${test.url}/even`)
    await stream.nextMany(2)
    const [published] = await test.log.publishMany([1])
    using other = await openRaw(`${test.url}/log`)
    await other.nextMany(2)
    test.clock.advance(11_000)
    await stream.over
    expect(stream.messages.slice(2)).toEqual([
      { event: 'restore-id', data: '', id: published?.id },
      { event: 'reconnect', data: '{"reason":"max-duration"}', id: undefined },
    ])
  })
})

describe('P25: disconnect', () => {
  it('ends the matching streams, sends the reason, and doesn’t affect the others', async () => {
    await using test = await setup({
      link: {
        createContext: ({ req }: { req: { headers: Record<string, string> } }) => ({
          user: req.headers.user,
        }),
        connectionKey: (ctx: { user?: string }) => ctx.user,
      },
    })
    using ann = await openRaw(`${test.url}/silent`, { headers: { user: 'ann' } })
    using bob = await openRaw(`${test.url}/silent`, { headers: { user: 'bob' } })
    await Promise.all([ann.nextMany(2), bob.nextMany(2)])
    const infos: unknown[] = []
    const ended = test.link.disconnect((info) => {
      infos.push(info)
      return info.key === 'ann'
    }, 'signed out')
    expect(ended).toBe(1)
    const openedAt = new Date(test.clock.now())
    const one = { paths: ['silent'], subscriptions: 1, openedAt, bytesWaiting: 0 }
    expect(infos).toEqual([
      { ...one, key: 'ann', ctx: { user: 'ann' } },
      { ...one, key: 'bob', ctx: { user: 'bob' } },
    ])
    await ann.over
    expect(ann.messages.at(-1)).toMatchObject({
      event: 'reconnect',
      data: '{"reason":"disconnect","message":"signed out"}',
    })
    expect(test.link.stats().connections).toBe(1)
    expect(test.link.disconnect(() => true)).toBe(1)
    await bob.over
    expect(bob.messages.at(-1)).toMatchObject({
      event: 'reconnect',
      data: '{"reason":"disconnect"}',
    })
  })
})

describe('P25: drain', () => {
  it('P61: asks the clients to reconnect one by one over the period, and resolves when all are gone', async () => {
    await using test = await setup()
    const streams = await Promise.all(
      Array.from({ length: 4 }, () => openRaw(`${test.url}/silent`)),
    )
    await Promise.all(streams.map((stream) => stream.nextMany(2)))
    const told: number[] = []
    const drained = test.link.drain({ overMs: 4_000 })
    for (const [second, stream] of streams.entries()) {
      expect((await stream.next()).event).toBe('reconnect')
      told.push(streams.filter(({ messages }) => messages.length > 2).length)
      if (second < 3) test.clock.advance(1_000)
    }
    expect(told).toEqual([1, 2, 3, 4])
    expect(test.link.stats().connections).toBe(4)
    // If a client stays, its stream ends after another 5 s.
    streams[0]?.leave()
    test.clock.advance(6_000)
    await drained
    for (const stream of streams.slice(1)) {
      expect((await stream.over).by).toBe('end')
      expect(stream.messages.at(-1)).toMatchObject({
        event: 'reconnect',
        data: '{"reason":"drain"}',
      })
    }
  })

  it('asks all clients to reconnect immediately if no period is given', async () => {
    await using test = await setup()
    const streams = await Promise.all(
      Array.from({ length: 4 }, () => openRaw(`${test.url}/silent`)),
    )
    const drained = test.link.drain()
    test.clock.advance(6_000)
    await drained
    await Promise.all(streams.map(({ over }) => over))
    expect(test.link.stats().connections).toBe(0)
  })

  it('P16, P27: refuses new streams, and says when to retry', async () => {
    await using test = await setup()
    await test.link.drain()
    using refused = await openRaw(`${test.url}/silent`)
    await refused.over
    expect(refused.status).toBe(200)
    expect(refused.retries).toEqual([500])
    expect(refused.messages.map(({ event, data }) => [event, JSON.parse(data).data.code])).toEqual([
      ['serialized-error', 'SERVICE_UNAVAILABLE'],
    ])
    expect(test.link.stats()).toMatchObject({ connections: 0, refused: 1 })
  })

  it('answers requests that are still in createContext', async () => {
    const making = createInbox<() => void>()
    const calls: string[] = []
    await using test = await setup({
      link: {
        createContext: () => new Promise((resolve) => making.put(() => resolve({}))),
        responseMeta: ({ ctx }: { ctx?: unknown }) => {
          calls.push(ctx === undefined ? 'without context' : 'with context')
          return {}
        },
      },
    })
    const opening = openRaw(`${test.url}/silent`)
    const made = await making.take()
    await test.link.drain()
    using stream = await opening
    await stream.over
    expect(stream.messages.map(({ event }) => event)).toEqual(['connected', 'reconnect'])
    made()
    expect(calls).toEqual(['without context'])
    expect(test.returned.items).toEqual([])
    expect(test.link.stats().connections).toBe(0)
  })
})

describe('stats', () => {
  it('count events, bytes, gaps and connections', async () => {
    await using test = await setup()
    await test.log.publishMany([1, 2, 3])
    using stream = await openRaw(`${test.url}/log`, { headers: { 'last-event-id': '1-0' } })
    const messages = await stream.nextMany(5)
    expect(messages.map(({ event }) => event)).toEqual([
      'connected',
      'gap',
      'message',
      'message',
      'message',
    ])
    const { bytesSent, ...stats } = test.link.stats()
    expect(stats).toEqual({
      connections: 1,
      subscriptions: 1,
      eventsSent: 3,
      gaps: 1,
      refused: 0,
      cutOff: 0,
    })
    stream.leave()
    expect((await stream.over).text).toHaveLength(bytesSent)
  })
})

describe.each([-3_600_000, 3_600_000])('with the time of day set by %i ms', (jumpMs) => {
  async function setupWithStep(options: SetupOptions) {
    const clock = manualClock()
    let setByMs = 0
    const set = { ...clock, now: () => clock.now() + setByMs, monotonicMs: clock.now }
    const test = await setup({ ...options, clock: set })
    return Object.assign(test, {
      step() {
        setByMs = jumpMs
      },
    })
  }

  it('a stream lasts for its maximum duration', async () => {
    await using test = await setupWithStep({ sse: { maxDurationMs: 10_000 } })
    using stream = await openRaw(`${test.url}/silent`)
    await stream.nextMany(2)
    test.step()
    test.clock.advance(7_900)
    expect(stream.messages.map(({ event }) => event)).not.toContain('reconnect')
    test.clock.advance(1_100)
    while ((await stream.next()).event !== 'reconnect') {}
    test.clock.advance(1_250)
    expect((await stream.over).by).toBe('end')
  })

  it('a drain takes the given time', async () => {
    await using test = await setupWithStep({})
    using first = await openRaw(`${test.url}/silent`)
    using second = await openRaw(`${test.url}/silent`)
    await Promise.all([first.nextMany(2), second.nextMany(2)])
    const drained = test.link.drain({ overMs: 1_000 })
    test.step()
    expect((await first.next()).event).toBe('reconnect')
    test.clock.advance(499)
    expect(second.messages).toHaveLength(2)
    test.clock.advance(1)
    expect((await second.next()).event).toBe('reconnect')
    test.clock.advance(5_250)
    await drained
    expect(test.link.stats().connections).toBe(0)
  })
})
