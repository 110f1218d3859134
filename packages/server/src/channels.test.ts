import { isDeepStrictEqual } from 'node:util'
import { eventTimeMs } from '@trpc-sse/protocol'
import fc from 'fast-check'
import superjson from 'superjson'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createInbox } from '../../../tests/support/inbox.ts'
import { manualClock } from '../../../tests/support/manual-clock.ts'
import { range } from '../../../tests/support/numbers.ts'
import type { Backend } from './backend/backend.ts'
import { memoryBackend } from './backend/memory.ts'
import { channel } from './channel/definition.ts'
import { channelKey } from './channel/key.ts'
import { createChannels } from './channels.ts'
import { type ChannelSubscription, merge } from './subscription/subscription.ts'

const note = z.object({ text: z.string(), at: z.date() })
const at = new Date('2026-01-02T03:04:05Z')

function setup({ events = 1_000 } = {}) {
  const backend = memoryBackend()
  const onError = vi.fn()
  const channels = createChannels({
    backend,
    onError,
    transformer: superjson,
    channels: {
      notes: channel({
        params: z.object({ room: z.string() }),
        event: note,
        retain: { events },
        maxEventBytes: 1_000,
      }),
      numbers: channel({ event: z.number(), retain: { events } }),
      trimmed: channel({ event: z.string().transform((text) => text.trim()) }),
    },
  })
  return { backend, channels, onError, [Symbol.asyncDispose]: () => channels.close() }
}

/** Reads the next `count` events of a subscription, then ends it. */
async function take<T>(
  subscription: ChannelSubscription<T>,
  count: number,
): Promise<Array<[string, T]>> {
  const events: Array<[string, T]> = []
  if (count === 0) return events
  for await (const [id, event] of subscription) {
    events.push([id, event])
    if (events.length === count) break
  }
  return events
}

const values = <T>(events: ReadonlyArray<readonly [string, T]>): T[] =>
  events.map(([, value]) => value)

describe('publish', () => {
  it('delivers an event, with its types, to subscriptions that were already open', async () => {
    await using s = setup()
    const room = s.channels.notes({ room: 'a' })
    const got = take(room.subscribe(), 2)
    const first = await room.publish({ text: 'one', at })
    const [second] = await room.publishMany([{ text: 'two', at }])
    expect(await got).toEqual([
      [first.id, { text: 'one', at }],
      [second?.id, { text: 'two', at }],
    ])
  })

  it('stores the output of the event’s schema', async () => {
    await using s = setup()
    await s.channels.trimmed().publish('  hi ')
    expect((await s.channels.trimmed().history({ last: 1 })).events[0]?.data).toBe('hi')
  })

  it('rejects an event that doesn’t fit, with the issues and their paths, and stores nothing', async () => {
    await using s = setup()
    const room = s.channels.notes({ room: 'a' })
    const publish = room.publish({ text: 5, at } as never)
    await expect(publish).rejects.toMatchObject({
      code: 'INVALID_EVENT',
      issues: [{ path: ['text'] }],
    })
    await expect(publish).rejects.toThrow(/text: .*expected string/)
    const many = room.publishMany([{ text: 'good', at }, { text: 'bad' } as never])
    await expect(many).rejects.toMatchObject({ code: 'INVALID_EVENT', issues: [{ path: ['at'] }] })
    expect((await room.history({ last: 10 })).events).toEqual([])
  })

  it('rejects an event over the size limit, and names its size and the limit', async () => {
    await using s = setup()
    const publish = s.channels.notes({ room: 'a' }).publish({ text: 'é'.repeat(600), at })
    await expect(publish).rejects.toMatchObject({ code: 'EVENT_TOO_LARGE' })
    await expect(publish).rejects.toThrow(/has 1\d\d\d bytes; the limit is 1000/)
  })

  it('rejects an event that can’t be written as JSON', async () => {
    const channels = createChannels({ channels: { any: channel({ event: z.any() }) } })
    await expect(channels.any().publish(1n)).rejects.toMatchObject({ code: 'INVALID_EVENT' })
    await expect(channels.any().publish(undefined)).rejects.toMatchObject({ code: 'INVALID_EVENT' })
    await channels.close()
  })

  it('stores only the first of two events with the same idempotency key', async () => {
    await using s = setup()
    const numbers = s.channels.numbers()
    const first = await numbers.publish(1, { idempotencyKey: 'k' })
    expect(await numbers.publish(1, { idempotencyKey: 'k' })).toEqual({
      id: first.id,
      duplicate: true,
    })
    expect((await numbers.history({ last: 10 })).events).toHaveLength(1)
    await expect(numbers.publish(1, { idempotencyKey: '' })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
  })

  it('rejects after close', async () => {
    const s = setup()
    await s.channels.close()
    await s.channels.close()
    await expect(s.channels.numbers().publish(1)).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('history and lastEventId', () => {
  it('read the newest events, or events after an id', async () => {
    await using s = setup()
    const numbers = s.channels.numbers()
    const empty = await numbers.lastEventId()
    await numbers.publishMany([1, 2, 3, 4])
    const last = await numbers.history({ last: 2 })
    expect(last.events.map(({ data }) => data)).toEqual([3, 4])
    expect(last.lastEventId).toBe(await numbers.lastEventId())
    expect(last.events[0]?.at).toBeInstanceOf(Date)
    const all = await numbers.history({ after: empty, limit: 3 })
    expect(all.events.map(({ data }) => data)).toEqual([1, 2, 3])
  })

  it('refuse a bad id or count', async () => {
    await using s = setup()
    const numbers = s.channels.numbers()
    await expect(numbers.history({ after: 'x' })).rejects.toMatchObject({
      code: 'INVALID_LAST_EVENT_ID',
    })
    await expect(numbers.history({ last: 0 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(numbers.history({ last: 1e9 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  it('settle within ten seconds of the call, whatever the backend does', async () => {
    const clock = manualClock()
    const inner = memoryBackend({ clock })
    const pages = createInbox<() => void>()
    const backend: Backend = {
      ...inner,
      // Ignores the signal.
      read: (log, from) =>
        new Promise((resolve) => pages.put(() => resolve(inner.read(log, from)))),
    }
    await using channels = Object.assign(
      createChannels({ backend, clock, channels: { numbers: channel({ event: z.number() }) } }),
      { [Symbol.asyncDispose]: () => inner.close() },
    )
    await channels.numbers().publishMany(range(1, 600))
    const history = channels.numbers().history({ last: 600 })
    const outcome = expect(history).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    const giveFirst = await pages.take()
    clock.advance(6_000)
    giveFirst()
    await pages.take()
    clock.advance(4_000)
    await outcome
  })

  it('are followed by a subscription that misses nothing in between', async () => {
    await using s = setup()
    const numbers = s.channels.numbers()
    const lastEventId = await numbers.lastEventId()
    await numbers.publishMany([1, 2])
    const got = take(numbers.subscribe({ lastEventId }), 3)
    await numbers.publish(3)
    expect(values(await got)).toEqual([1, 2, 3])
  })
})

describe('subscribe', () => {
  it('replays the newest events, all of them, or none', async () => {
    await using s = setup({ events: 700 })
    const numbers = s.channels.numbers()
    await numbers.publishMany(Array.from({ length: 1_000 }, (_, i) => i))
    expect(values(await take(numbers.subscribe({ replay: 2 }), 2))).toEqual([998, 999])
    expect(values(await take(numbers.subscribe({ replay: 'all' }), 700))[0]).toBe(300)
    const live = take(numbers.subscribe(), 1)
    await numbers.publish(1_000)
    expect(values(await live)).toEqual([1_000])
    expect(() => numbers.subscribe({ replay: -1 })).toThrow(/replay is -1/)
  })

  it('resumes after an id rather than replaying', async () => {
    await using s = setup()
    const numbers = s.channels.numbers()
    const [one] = await numbers.publishMany([1, 2, 3])
    const resumed = numbers.subscribe({ lastEventId: one?.id, replay: 'all' })
    expect(values(await take(resumed, 2))).toEqual([2, 3])
    const byInput = numbers.subscribe({ input: { lastEventId: one?.id } })
    expect(values(await take(byInput, 1))).toEqual([2])
    const byRawInput = numbers.subscribe({
      getRawInput: async () => ({ lastEventId: one?.id }),
    } as object)
    expect(values(await take(byRawInput, 1))).toEqual([2])
  })

  it.each([
    ['random text', 'evil'],
    ['ten megabytes', 'x'.repeat(10_000_000)],
    ['control characters', '1-0\n\r\0data: x'],
    ['a number', 5],
    ['an object', {}],
    ['a composite id', 'abc=1-0'],
    ['more digits than an id has', `${'9'.repeat(30)}-0`],
  ])('refuses %s as lastEventId with BAD_REQUEST', async (_name, lastEventId) => {
    await using s = setup()
    const subscription = s.channels.numbers().subscribe({ lastEventId: lastEventId as string })
    await expect(take(subscription, 1)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    const many = merge([
      s.channels.numbers().subscribe({ lastEventId: `=${String(lastEventId).slice(0, 50)}` }),
    ])
    await expect(take(many, 1)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('reports one gap for events that are no longer retained, and continues with the rest', async () => {
    await using s = setup({ events: 5 })
    const numbers = s.channels.numbers()
    const { id } = await numbers.publish(0)
    await numbers.publishMany(Array.from({ length: 20 }, (_, i) => i + 1))
    await using fresh = await freshReader(s.backend, s.onError)
    expect(values(await take(fresh.numbers.subscribe({ lastEventId: id }), 5))).toEqual([
      16, 17, 18, 19, 20,
    ])
    expect(s.onError).toHaveBeenCalledTimes(1)
    expect(s.onError.mock.calls[0]).toMatchObject([
      { code: 'GAP' },
      { stage: 'gap', channel: '["numbers"]' },
    ])
    const strict = fresh.numbers.subscribe({ lastEventId: id, onGap: 'error' })
    await expect(take(strict, 1)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' })
  })

  it('reports a gap to a client that resumes beyond the retention, even while the window has the events', async () => {
    await using s = setup({ events: 5 })
    const numbers = s.channels.numbers()
    const live = take(numbers.subscribe(), 21)
    const { id } = await numbers.publish(0)
    await numbers.publishMany(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(values(await live)).toHaveLength(21)
    expect(s.onError).not.toHaveBeenCalled()
    expect(values(await take(numbers.subscribe({ lastEventId: id }), 5))).toEqual([
      16, 17, 18, 19, 20,
    ])
    expect(s.onError).toHaveBeenCalledTimes(1)
  })

  it('reports a gap for the id of another channel, and shows no event of that channel', async () => {
    await using s = setup()
    const first = await s.channels.numbers().publish(1)
    // In one millisecond, the order of two channels' ids would be random.
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(eventTimeMs(first.id)), {
      interval: 1,
    })
    const other = await s.channels.notes({ room: 'b' }).publish({ text: 'secret', at })
    const got = take(s.channels.numbers().subscribe({ lastEventId: other.id }), 1)
    await expect.poll(() => s.onError).toHaveBeenCalledTimes(1)
    await s.channels.numbers().publish(2)
    expect(values(await got)).toEqual([2])
  })

  it('ends without an error when the signal aborts, even while next is waiting', async () => {
    await using s = setup()
    const abort = new AbortController()
    const iterator = s.channels
      .numbers()
      .subscribe({ signal: abort.signal })
      [Symbol.asyncIterator]()
    const next = iterator.next()
    abort.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('ends when return is called while next is waiting', async () => {
    await using s = setup()
    const iterator = s.channels.numbers().subscribe()[Symbol.asyncIterator]()
    const next = iterator.next()
    await iterator.return?.()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('fails with a retryable error when the channels are closed, instead of completing', async () => {
    const s = setup()
    const next = s.channels.numbers().subscribe()[Symbol.asyncIterator]().next()
    await s.channels.numbers().lastEventId()
    await s.channels.close()
    await expect(next).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('skips an undecodable payload, reports it once, and continues without a gap', async () => {
    await using s = setup()
    const log = { key: '["numbers"]', retain: { events: 100, forMs: 1e9 } }
    const one = take(s.channels.numbers().subscribe(), 3)
    const two = take(s.channels.numbers().subscribe(), 3)
    const { id } = await s.channels.numbers().publish(1)
    await s.backend.append(log, ['{"json":'])
    await s.channels.numbers().publishMany([2, 3])
    expect(values(await one)).toEqual([1, 2, 3])
    expect(values(await two)).toEqual([1, 2, 3])
    expect(values(await take(s.channels.numbers().subscribe({ lastEventId: id }), 2))).toEqual([
      2, 3,
    ])
    expect(s.onError.mock.calls.map(([error]) => error.code)).toEqual(['UNDECODABLE_EVENT'])
  })

  it('skips JSON that the transformer can’t read, for all subscriptions, and reports it once', async () => {
    await using s = setup()
    const log = { key: '["numbers"]', retain: { events: 100, forMs: 1e9 } }
    const plain = take(s.channels.numbers().subscribe(), 2)
    const mapped = take(
      s.channels
        .numbers()
        .subscribe()
        .map((n) => -n),
      2,
    )
    await s.channels.numbers().publish(1)
    await s.backend.append(log, ['{"json":1,"meta":{"values":[["custom","Nope"]]}}'])
    await s.channels.numbers().publish(2)
    expect(values(await plain)).toEqual([1, 2])
    expect(values(await mapped)).toEqual([-1, -2])
    expect(s.onError.mock.calls.map(([error]) => error.code)).toEqual(['UNDECODABLE_EVENT'])
  })

  it('makes the backend wait for an opening subscription within the deadline of a publish', async () => {
    const inner = memoryBackend()
    const append = vi.fn(inner.append)
    const backend: Backend = { ...inner, append, listen: () => new Promise(() => {}) }
    const channels = createChannels({
      backend,
      channels: { numbers: channel({ event: z.number() }) },
    })
    void channels.numbers().subscribe()[Symbol.asyncIterator]().next()
    const publishing = [channels.numbers().publish(1), channels.numbers().publishMany([2, 3])]
    await expect.poll(() => append).toHaveBeenCalledTimes(2)
    for (const [, , options] of append.mock.calls) expect(options?.after).toBeInstanceOf(Promise)
    expect((await channels.numbers().history({ last: 9 })).events).toEqual([])
    await channels.close()
    await Promise.allSettled(publishing)
  })

  it('continues, and lets publish continue, when onError throws', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const inner = memoryBackend()
    let failures = 2
    const backend: Backend = {
      ...inner,
      listen: (...args) =>
        failures-- > 0 ? Promise.reject(new Error('not yet')) : inner.listen(...args),
    }
    const channels = createChannels({
      backend,
      onError() {
        throw new Error('the logger')
      },
      channels: { numbers: channel({ event: z.number() }) },
    })
    const got = take(channels.numbers().subscribe({ replay: 'all' }), 1)
    await channels.numbers().publish(1)
    expect(values(await got)).toEqual([1])
    expect(log).toHaveBeenCalledTimes(1)
    log.mockRestore()
    await channels.close()
  })

  it('filters and maps, and moves past events that the filter skips', async () => {
    await using s = setup()
    const numbers = s.channels.numbers()
    await numbers.publishMany([1, 2, 3, 4, 5, 6])
    const even = numbers
      .subscribe({ replay: 'all' })
      .filter((n) => n % 2 === 0)
      .map((n, { id }) => ({ n, hasId: id.includes('-') }))
    expect(values(await take(even, 2))).toEqual([
      { n: 2, hasId: true },
      { n: 4, hasId: true },
    ])
  })
})

/** New channels over the same logs: their windows are empty. */
async function freshReader(
  backend: ReturnType<typeof memoryBackend>,
  onError: (error: unknown) => void,
) {
  const channels = createChannels({
    backend,
    onError,
    window: { events: 1 },
    transformer: superjson,
    channels: { numbers: channel({ event: z.number(), retain: { events: 5 } }) },
  })
  return { numbers: channels.numbers(), [Symbol.asyncDispose]: async () => {} }
}

describe('merge', () => {
  it('delivers the events of all channels once, with ids that resume all of them', async () => {
    await using s = setup()
    const a = s.channels.notes({ room: 'a' })
    const numbers = s.channels.numbers()
    const all = (lastEventId?: string) =>
      merge([a.subscribe({ lastEventId }), numbers.subscribe({ lastEventId })])
    const got = take(all(), 3)
    await numbers.publish(1)
    await a.publish({ text: 'x', at })
    await numbers.publish(2)
    const events = await got
    expect(new Set(values(events))).toEqual(new Set([1, { text: 'x', at }, 2]))
    await numbers.publish(3)
    await a.publish({ text: 'y', at })
    const rest = await take(all(events[1]?.[0]), 3)
    expect(values(rest)).toHaveLength(3)
    expect(new Set([...values(events.slice(0, 2)), ...values(rest)]).size).toBe(5)
  })

  it('starts a channel that isn’t in the id, and ignores one that is no longer merged', async () => {
    await using s = setup()
    const a = s.channels.notes({ room: 'a' })
    const b = s.channels.notes({ room: 'b' })
    const [first] = await take(
      withPublish(merge([a.subscribe({ replay: 1 })]), () => a.publish({ text: '1', at })),
      1,
    )
    await a.publish({ text: '2', at })
    const lastEventId = first?.[0]
    const both = merge([b.subscribe({ lastEventId }), a.subscribe({ lastEventId })])
    expect(values(await take(both, 1))).toEqual([{ text: '2', at }])
    const onlyB = take(merge([b.subscribe({ lastEventId })]), 1)
    await b.publish({ text: '3', at })
    expect(values(await onlyB)).toEqual([{ text: '3', at }])
  })

  it('refuses a channel that is merged twice, and a value that isn’t a channel subscription', async () => {
    await using s = setup()
    const numbers = s.channels.numbers()
    const twice = [numbers.subscribe(), numbers.subscribe()]
    expect(() => merge(twice)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', message: expect.stringMatching(/twice/) }),
    )
    expect(() => merge([{} as never])).toThrow(/only subscriptions that channel.subscribe\(\)/)
  })

  it('resumes the maximum number of merged channels, and refuses more', async () => {
    await using s = setup()
    const rooms = (count: number, lastEventId?: string) =>
      range(1, count).map((n) =>
        s.channels.notes({ room: `${n}` }).subscribe({ lastEventId, replay: 1 }),
      )
    expect(() => merge(rooms(191))).toThrow(
      expect.objectContaining({
        code: 'BAD_REQUEST',
        message: expect.stringContaining('the limit is 190'),
      }),
    )
    const publish = (text: string) => s.channels.notes({ room: '190' }).publish({ text, at })
    const [first] = await take(
      withPublish(merge(rooms(190)), () => publish('1')),
      1,
    )
    await publish('2')
    expect(values(await take(merge(rooms(190, first?.[0])), 1))).toEqual([{ text: '2', at }])
  })

  it('keeps each part’s onGap, and reports a gap for the channel that has it', async () => {
    await using s = setup({ events: 2 })
    const numbers = s.channels.numbers()
    const notes = s.channels.notes({ room: 'a' })
    const both = (lastEventId: string | undefined, onGap?: 'error') =>
      merge([notes.subscribe({ lastEventId }), numbers.subscribe(onGap ? { onGap } : {})])
    await numbers.publish(0)
    const [first] = await take(merge([notes.subscribe(), numbers.subscribe({ replay: 1 })]), 1)
    await numbers.publishMany([1, 2, 3, 4, 5])
    expect(values(await take(both(first?.[0]), 2))).toEqual([4, 5])
    expect(s.onError.mock.calls.map(([{ code }, { channel: name }]) => [code, name])).toEqual([
      ['GAP', '["numbers"]'],
    ])
    await expect(take(both(first?.[0], 'error'), 1)).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    })
  })

  it('keeps the filters and maps of its parts', async () => {
    await using s = setup()
    const numbers = s.channels.numbers()
    await numbers.publishMany([1, 2, 3, 4])
    const merged = merge([numbers.subscribe({ replay: 'all' }).filter((n) => n > 2)]).map(
      (n) => n * 10,
    )
    expect(values(await take(merged, 2))).toEqual([30, 40])
  })
})

function withPublish<T>(
  subscription: ChannelSubscription<T>,
  publish: () => Promise<unknown>,
): ChannelSubscription<T> {
  void publish()
  return subscription
}

describe('channel params', () => {
  const schema = z.any()

  it('throw BAD_REQUEST if they don’t fit the schema', async () => {
    await using s = setup()
    expect(() => s.channels.notes({ room: 5 } as never)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    )
    expect(() => s.channels.notes({ room: 'x'.repeat(10_000) })).toThrow(/the limit is 1024/)
  })

  it.each([
    ['NaN', Number.NaN],
    ['a Date', new Date()],
    ['a Map', { a: new Map() }],
    ['a bigint', 1n],
    ['an object without a class', Object.create(Object.create(null))],
  ])('refuse %s, which JSON would change', (_name, params) => {
    expect(() => channelKey('c', schema, params)).toThrow(/can't name a log/)
  })

  it('refuse a value that is nested too deep', () => {
    let nested: unknown = 1
    for (let i = 0; i < 100_000; i++) nested = [nested]
    expect(() => channelKey('c', schema, nested)).toThrow(/nested more than/)
  })

  it('name the same log whatever the order of their properties', () => {
    expect(channelKey('c', schema, { a: 1, b: [{ y: 2, x: null }] })).toBe(
      channelKey('c', schema, { b: [{ x: null, y: 2 }], a: 1, c: undefined }),
    )
  })

  it('never name one log for two different values', () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    fc.assert(
      fc.property(fc.string(), value, fc.string(), value, (nameA, a, nameB, b) => {
        const same = nameA === nameB && isSame(a, b)
        const keyA = tryKey(nameA, a)
        const keyB = tryKey(nameB, b)
        if (keyA === undefined || keyB === undefined) return true
        return (keyA === keyB) === same
      }),
    )
  })

  it.each(['{', '}', ':', '*', '\n', '🙂', '"', '\\', '\0', ' '])(
    'give the room %j its own log',
    async (room) => {
      await using s = setup()
      await s.channels.notes({ room }).publish({ text: room, at })
      await s.channels.notes({ room: `${room}${room}` }).publish({ text: 'other', at })
      const { events } = await s.channels.notes({ room }).history({ last: 10 })
      expect(events.map(({ data }) => data.text)).toEqual([room])
    },
  )

  function tryKey(name: string, params: unknown): string | undefined {
    try {
      return channelKey(name, schema, params)
    } catch {
      return undefined
    }
  }

  // -0 and 0 are one number in JSON, so they are one log.
  const isSame = (a: unknown, b: unknown): boolean => isDeepStrictEqual(viaJson(a), viaJson(b))
  const viaJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
})

describe('createChannels', () => {
  it.each(['close', 'then', '', 'x'.repeat(200)])('refuses a channel named %j', (name) => {
    expect(() => createChannels({ channels: { [name]: channel({ event: z.number() }) } })).toThrow(
      /can't be named/,
    )
  })

  it('refuses a value that isn’t a schema', () => {
    expect(() => channel({} as never)).toThrow(/event is not a Standard Schema/)
    expect(() => channel({ event: z.number(), params: {} as never })).toThrow(
      /params is not a Standard Schema/,
    )
  })

  it.each([{ window: { events: 0 } }, { lingerMs: -1 }, { positionCheckMs: Number.NaN }])(
    'refuses %j',
    (options) => {
      expect(() => createChannels({ ...options, channels: {} })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      )
    },
  )

  it('refuses invalid limits', () => {
    expect(() => channel({ event: z.number(), retain: { events: 0 } })).toThrow(/events is 0/)
    expect(() =>
      channel({ event: z.number(), retain: { forMs: Number.POSITIVE_INFINITY } }),
    ).toThrow(/forMs/)
  })
})
