import { initTRPC } from '@trpc/server'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openRaw } from '../../../../tests/support/http.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { range } from '../../../../tests/support/numbers.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import type { Backend, ReadRange } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'
import type { ChannelSubscription } from '../subscription/subscription.ts'

const t = initTRPC.create()

function setup({ events = 1_000, maxOpenChannels = 50_000, inner = memoryBackend() } = {}) {
  const onError = vi.fn()
  const reads: ReadRange[] = []
  const backend: Backend = {
    ...inner,
    read(log, range, options) {
      reads.push(range)
      return inner.read(log, range, options)
    },
  }
  const channels = createChannels({
    backend,
    onError,
    maxOpenChannels,
    lingerMs: 600_000,
    channels: {
      numbers: channel({
        params: z.string(),
        event: z.number().or(z.string()),
        retain: { events },
        maxBatchBytes: 1_000_000,
      }),
    },
  })
  return {
    channels,
    log: channels.numbers('log'),
    reads,
    /** The messages of the reported gaps. */
    gaps: () => onError.mock.calls.map(([{ message }]) => String(message)),
    [Symbol.asyncDispose]: () => channels.close(),
  }
}

/** Starts reading. Returns a function that waits for the next values. */
function read<T>(subscription: ChannelSubscription<T>) {
  const iterator = subscription[Symbol.asyncIterator]()
  return async (count: number): Promise<T[]> => {
    const values: T[] = []
    while (values.length < count) {
      const { value } = await iterator.next()
      if (value) values.push(value[1])
    }
    return values
  }
}

describe('clear', () => {
  it('shows one gap with the reason reset to readers at any position, then new events', async () => {
    await using s = setup()
    const [first] = await s.log.publishMany(range(1, 300))
    const [atEnd, inWindow] = [s.log.subscribe(), s.log.subscribe({ lastEventId: first?.id })].map(
      read,
    )
    const started = atEnd?.(1)
    expect(await inWindow?.(1)).toEqual([2])
    await s.log.publish(301)
    expect(await started).toEqual([301])
    await s.log.clear()
    expect(await s.log.history({ last: 10 })).toMatchObject({ events: [] })
    const followed = [
      atEnd?.(1),
      inWindow?.(1),
      read(s.log.subscribe({ lastEventId: first?.id }))(1),
    ]
    await new Promise(setImmediate)
    await s.log.publish(302)
    expect(await Promise.all(followed)).toEqual([[302], [302], [302]])
    expect(s.gaps()).toHaveLength(3)
    for (const gap of s.gaps()) expect(gap).toContain('the log was cleared or lost')
  })

  it('shows no deleted event to later readers, even if it was in memory', async () => {
    await using s = setup()
    const [first] = await s.log.publishMany(range(1, 10))
    const before = read(s.log.subscribe({ lastEventId: first?.id }))
    await before(9)
    await s.log.clear()
    const next = read(s.log.subscribe({ replay: 'all' }))(1)
    await new Promise(setImmediate)
    await s.log.publish(11)
    expect(await next).toEqual([11])
  })
})

describe('a replay of more events than are retained', () => {
  it.each(['all', 10] as const)(
    'starts with a gap if there were more events: replay %s',
    async (replay) => {
      await using s = setup({ events: 5 })
      await s.log.publishMany(range(1, 8))
      expect(await read(s.log.subscribe({ replay }))(5)).toEqual(range(4, 8))
      expect(s.gaps()).toEqual([expect.stringContaining('Events after 0-0')])
      const strict = read(s.log.subscribe({ replay, onGap: 'error' }))
      await expect(strict(1)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' })
    },
  )

  it('has no gap if the log never had more events, or retains all the requested ones', async () => {
    await using s = setup({ events: 5 })
    await s.log.publishMany(range(1, 5))
    expect(await read(s.log.subscribe({ replay: 'all' }))(5)).toEqual(range(1, 5))
    await s.log.publish(6)
    expect(await read(s.log.subscribe({ replay: 5 }))(5)).toEqual(range(2, 6))
    expect(s.gaps()).toEqual([])
  })

  it('can be resumed before the gap was reported', async () => {
    await using s = setup({ events: 5 })
    await s.log.publishMany(range(1, 8))
    const router = t.router({
      all: t.procedure.subscription(() => s.log.subscribe({ replay: 'all' })),
    })
    await using server = await serveRouter(router)
    using stream = await openRaw(`${server.url}/all`)
    const [, position, gap, event] = await stream.nextMany(4)
    expect(position).toMatchObject({ id: '0-0' })
    expect(gap).toMatchObject({ event: 'gap', data: '{"lastEventId":"0-0","reason":"trimmed"}' })
    expect(event?.data).toBe('4')
    using again = await openRaw(`${server.url}/all?lastEventId=0-0`)
    expect((await again.nextMany(2))[1]).toEqual(gap)
  })
})

describe('reads', () => {
  it('split a long history into pages, whose result is of one moment', async () => {
    await using s = setup()
    await s.log.publishMany(range(1, 1_000))
    const { events, lastEventId } = await s.log.history({ last: 700 })
    expect(events.map(({ data }) => data)).toEqual(range(301, 1_000))
    expect(lastEventId).toBe(events.at(-1)?.id)
    expect(s.reads.length).toBe(3)
    for (const each of s.reads)
      expect(each).toMatchObject({ limit: expect.toSatisfy((n) => n <= 256) })
    const after = await s.log.history({ after: events[0]?.id ?? '', limit: 300 })
    expect(after.events.map(({ data }) => data)).toEqual(range(302, 601))
    expect(after.lastEventId).toBe(lastEventId)
  })

  it('reject a history that never gets its turn', async () => {
    const clock = manualClock()
    const inner = { ...memoryBackend(), read: () => new Promise<never>(() => {}) }
    const channels = createChannels({
      clock,
      backend: inner,
      reads: { perProcess: 1 },
      channels: { numbers: channel({ event: z.number() }) },
    })
    const first = channels.numbers().lastEventId()
    const second = channels.numbers().history({ last: 1 })
    clock.advance(10_000)
    await expect(second).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    first.catch(() => {})
  })
})

describe('publishMany', () => {
  it('refuses a batch with too many bytes, and stores nothing of it', async () => {
    await using s = setup()
    const parts = range(1, 11).map(() => 'x'.repeat(100_000))
    await expect(s.log.publishMany(parts)).rejects.toMatchObject({
      code: 'EVENT_TOO_LARGE',
      message: expect.stringMatching(/1000000 bytes.*maxBatchBytes.*several calls/),
    })
    expect((await s.log.history({ last: 1 })).events).toEqual([])
  })
})

describe('a limit on open channels', () => {
  it('applies to each process, which closes idle channels to open new ones', async () => {
    await using s = setup({ maxOpenChannels: 2 })
    const open = async (name: string) => {
      const iterator = s.channels.numbers(name).subscribe({ replay: 1 })[Symbol.asyncIterator]()
      await s.channels.numbers(name).publish(1)
      await iterator.next()
      return iterator
    }
    const first = await open('a')
    await open('b')
    await first.return?.()
    await open('c')
    await expect(open('d')).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      cause: { code: 'TOO_MANY_CHANNELS', message: expect.stringContaining('maxOpenChannels') },
    })
  })

  it('applies to each connection, and doesn’t count ended subscriptions', async () => {
    await using s = setup()
    const router = t.router({
      numbers: t.procedure
        .input(z.string())
        .subscription((opts) => s.channels.numbers(opts.input).subscribe(opts)),
    })
    await using server = await serveRouter(router, { limits: { channelsPerConnection: 2 } })
    const wanted = (...names: string[]) =>
      JSON.stringify({
        version: 1,
        revision: 1,
        subscriptions: Object.fromEntries(
          names.map((name) => [name, { path: 'numbers', input: name }]),
        ),
      })
    const headers = { 'content-type': 'application/json' }
    using stream = await openRaw(`${server.url}/~sse`, {
      method: 'POST',
      headers,
      body: wanted('a', 'b', 'c'),
    })
    const messages = await stream.nextMany(4)
    expect(messages.filter(({ event }) => event === '$started')).toHaveLength(2)
    const refused = messages.find(({ event }) => event === '$error')
    expect(refused?.data).toContain('limits.channelsPerConnection')
    expect(refused?.data).toContain('SERVICE_UNAVAILABLE')
    using other = await openRaw(`${server.url}/~sse`, {
      method: 'POST',
      headers,
      body: wanted('c', 'd'),
    })
    expect((await other.nextMany(3)).filter(({ event }) => event === '$started')).toHaveLength(2)
  })
})

describe('readers that resume from the same position at once', () => {
  it('share one read of the log', async () => {
    const backend = memoryBackend()
    const afters: string[] = []
    const counting: Backend = {
      ...backend,
      read(log, range, options) {
        if ('after' in range) afters.push(range.after)
        return backend.read(log, range, options)
      },
    }
    const channels = createChannels({
      backend: counting,
      window: { events: 1 },
      channels: { log: channel({ event: z.number() }) },
    })
    const [first] = await channels.log().publishMany(Array.from({ length: 100 }, (_, n) => n))
    const lastEventId = first?.id
    const readers = Array.from({ length: 50 }, () =>
      channels.log().subscribe({ lastEventId })[Symbol.asyncIterator](),
    )
    const values = await Promise.all(readers.map((reader) => reader.next()))
    expect(values.map(({ value }) => value?.[1])).toEqual(readers.map(() => 1))
    expect(afters).toEqual([lastEventId])
    await channels.close()
  })

  it('all get the gap of a log that was cleared and is empty, and then new events', async () => {
    await using s = setup()
    const { id: lastEventId } = await s.log.publish(1)
    await s.log.clear()
    const followed = range(1, 3).map(() => read(s.log.subscribe({ lastEventId }))(1))
    await new Promise(setImmediate)
    expect(s.gaps()).toHaveLength(3)
    await s.log.publish(2)
    expect(await Promise.all(followed)).toEqual([[2], [2], [2]])
  })
})
