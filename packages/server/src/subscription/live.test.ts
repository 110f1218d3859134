import { tracked } from '@trpc/server'
import type { Clock, EventId } from '@trpc-sse/protocol'
import superjson from 'superjson'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createChaos } from '../../../../tests/support/chaos-backend.ts'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { memoryBackend } from '../backend/memory.ts'
import { payloadText } from '../backend/stored-bytes.ts'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'
import { createCodec } from '../codec/codec.ts'
import type { BehindPolicy } from '../hub/behind.ts'
import { Hub } from '../hub/hub.ts'
import type { FeedEvent } from '../hub/log-event.ts'
import { PageCache } from '../hub/page-cache.ts'
import { createReadGroup, Reads } from '../hub/reads.ts'
import { Tracer } from '../user-code/tracer.ts'
import { createCursor } from './cursor.ts'
import type { Feed } from './feed.ts'
import type { LiveEvent, LoadSnapshot } from './live.ts'
import { LiveFeed } from './live-feed.ts'
import { type ChannelSubscription, merge } from './subscription.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type Live = LiveEvent<number, number>

/** A counter: the state is the last number, and each event is the next number. */
function setup({ events = 1_000, window = 1_024 } = {}) {
  const onError = vi.fn()
  const channels = createChannels({
    onError,
    window: { events: window },
    channels: { numbers: channel({ event: z.number(), retain: { events } }) },
  })
  const numbers = channels.numbers()
  let last = 0
  return {
    channels,
    numbers,
    onError,
    last: () => last,
    async publish(count = 1) {
      const from = last + 1
      last += count
      return numbers.publishMany(Array.from({ length: count }, (_, i) => from + i))
    },
    [Symbol.asyncDispose]: () => channels.close(),
  }
}

/** Reads a live subscription one value at a time. */
function read<T>(subscription: ChannelSubscription<T>) {
  const iterator = subscription[Symbol.asyncIterator]()
  const next = async (): Promise<[string, T]> => {
    const { value, done } = await iterator.next()
    if (done || value === undefined) throw new Error('it ended')
    return [value[0], value[1]]
  }
  return {
    next,
    async nextValues(count: number): Promise<T[]> {
      const values: T[] = []
      while (values.length < count) values.push((await next())[1])
      return values
    },
    end: () => iterator.return?.(),
  }
}

/** A loader whose calls the test settles one by one. */
function createLoader() {
  interface Load {
    readonly signal: AbortSignal
    readonly lastEventId: EventId
    give(value: number): void
    fail(error: unknown): void
  }
  const loads = createInbox<Load>()
  return {
    loads,
    load: ({ signal, lastEventId }: { signal: AbortSignal; lastEventId: EventId }) =>
      new Promise<number>((give, fail) => loads.put({ signal, lastEventId, give, fail })),
  }
}

const snapshot = (data: number): Live => ({ type: 'snapshot', data })
const event = (data: number): Live => ({ type: 'event', data })

describe('a live subscription', () => {
  it('starts with a snapshot, then gets the events after the position that was read before the load', async () => {
    await using s = setup()
    await s.publish(3)
    const before = await s.numbers.lastEventId()
    const { load, loads } = createLoader()
    const live = read(s.numbers.live({}, load))
    const first = live.next()
    const { lastEventId, give } = await loads.take()
    expect(lastEventId).toBe(before)
    await s.publish(2)
    give(4)
    expect(await first).toEqual([before, snapshot(4)])
    expect(await live.nextValues(2)).toEqual([event(4), event(5)])
    await s.publish()
    expect(await live.nextValues(1)).toEqual([event(6)])
    await live.end()
  })

  it('continues with events, and no snapshot, when it is resumed', async () => {
    await using s = setup()
    await s.publish(3)
    const load = vi.fn(() => 0)
    const live = read(
      s.numbers.live({ lastEventId: (await s.numbers.history({ last: 2 })).events[0]?.id }, load),
    )
    expect(await live.nextValues(1)).toEqual([event(3)])
    expect(load).not.toHaveBeenCalled()
    await live.end()
  })

  it('gets a new snapshot if events are missing, and no gap', async () => {
    await using s = setup({ events: 2 })
    const [first] = await s.publish(5)
    const live = read(s.numbers.live({ lastEventId: first?.id }, () => s.last()))
    expect(await live.nextValues(3)).toEqual([snapshot(5), event(4), event(5)])
    await s.publish()
    expect(await live.nextValues(1)).toEqual([event(6)])
    expect(s.onError).not.toHaveBeenCalled()
    await live.end()
  })

  it('fails with the error of its loader', async () => {
    await using s = setup()
    const later = read(s.numbers.live({}, () => Promise.reject(new Error('no database'))))
    await expect(later.next()).rejects.toThrow('no database')
    const atOnce = read(
      s.numbers.live({}, (): number => {
        throw new Error('no database at all')
      }),
    )
    await expect(atOnce.next()).rejects.toThrow('no database at all')
  })

  it('aborts a load when its client has left', async () => {
    await using s = setup()
    const { load, loads } = createLoader()
    const live = read(s.numbers.live({}, load))
    const first = live.next()
    const { signal, fail } = await loads.take()
    expect(signal.aborted).toBe(false)
    await live.end()
    await expect(first).rejects.toThrow('it ended')
    expect(signal.aborted).toBe(true)
    fail(new Error('aborted'))
  })

  it('continues after the id of a tracked snapshot, earlier or later than the position', async () => {
    await using s = setup()
    const published = await s.publish(4)
    const at = (index: number): string => published[index]?.id ?? ''
    const older = read(s.numbers.live({}, () => tracked(at(1), 2)))
    expect(await older.next()).toEqual([at(1), snapshot(2)])
    expect(await older.nextValues(2)).toEqual([event(3), event(4)])
    const newer = read(
      s.numbers.live({}, async () => {
        const [fifth] = await s.publish(2)
        return tracked(fifth?.id ?? '', 5)
      }),
    )
    expect(await newer.nextValues(2)).toEqual([snapshot(5), event(6)])
    await Promise.all([older.end(), newer.end()])
  })

  it('fails, and says what to do, if events are missing after every snapshot', async () => {
    await using s = setup({ events: 2 })
    const [first] = await s.publish(5)
    const load = vi.fn(() => tracked(first?.id ?? '', 1))
    const live = read(s.numbers.live({}, load))
    expect(await live.nextValues(4)).toEqual([1, 1, 1, 1].map(snapshot))
    await expect(live.next()).rejects.toMatchObject({
      code: 'GAP',
      message: expect.stringContaining('retain'),
    })
    expect(load).toHaveBeenCalledTimes(4)
  })

  it('fails if a tracked snapshot has a bad id', async () => {
    await using s = setup()
    const live = read(s.numbers.live({}, () => tracked('yesterday', 1)))
    await expect(live.next()).rejects.toMatchObject({ code: 'INVALID_LAST_EVENT_ID' })
  })

  it('can be filtered and mapped as a union of snapshots and events', async () => {
    await using s = setup()
    const mapped = s.numbers
      .live({}, () => ({ last: s.last() }))
      .filter((value) => value.type === 'snapshot' || value.data % 2 === 0)
      .map((value) => (value.type === 'snapshot' ? value.data.last : value.data * 10))
    const live = read(mapped)
    expect(await live.nextValues(1)).toEqual([0])
    await s.publish(4)
    expect(await live.nextValues(2)).toEqual([20, 40])
    await live.end()
  })

  it('can’t be merged', async () => {
    await using s = setup()
    expect(() => merge([s.numbers.live({}, () => 1)])).toThrow(/a live subscription/)
  })

  it('keeps the types that a transformer knows, in snapshots and events', async () => {
    const channels = createChannels({
      transformer: superjson,
      channels: { dates: channel({ event: z.date() }) },
    })
    const live = read(channels.dates().live({}, () => new Set([1])))
    expect(await live.nextValues(1)).toEqual([{ type: 'snapshot', data: new Set([1]) }])
    await channels.dates().publish(new Date(5))
    expect(await live.nextValues(1)).toEqual([{ type: 'event', data: new Date(5) }])
    await live.end()
    await channels.close()
  })
})

/** Creates the parts that the hubs of one process share. */
function readParts(clock: Clock) {
  return { reads: new Reads({ perProcess: 4, perLog: 2 }), pageCache: new PageCache(4_000, clock) }
}

async function openFeed(transformer?: typeof superjson, policy: BehindPolicy = 'catchUp') {
  const clock = manualClock()
  const log = { key: 'log', retain: { events: 3, forMs: 1e9 } }
  let store = memoryBackend({ clock })
  const chaos = createChaos(
    () => 1,
    () => store,
  )
  const codec = createCodec(transformer)
  const window = { events: 1_024, characters: 1e6 }
  const behind = { policy, events: 3 }
  const hub = new Hub({
    tracer: new Tracer(undefined),
    log,
    backend: chaos.backend,
    codec,
    clock,
    window,
    behind,
    ...readParts(clock),
    report: () => {},
  })
  await hub.opening
  const { load, loads } = createLoader()
  const open = (loader: LoadSnapshot<unknown> = load): Feed =>
    new LiveFeed({
      group: createReadGroup(),
      lastEventId: undefined,
      open: (after, grace) =>
        createCursor(hub, after === undefined ? { replay: 0 } : { after }, {
          wake: () => {},
          clock,
          grace,
          group: createReadGroup(),
        }),
      load: loader,
      codec,
      wake: () => {},
    })
  return {
    open,
    loads,
    async append(...payloads: string[]) {
      await store.append(log, payloads)
      hub.check()
      await settled()
    },
    /** Empties the log. */
    async lose() {
      clock.advance(5)
      store = memoryBackend({ clock })
      await store.append(log, ['0'])
      hub.check()
      await settled()
    },
  }
}

describe('R18: a gap while a snapshot is loading', () => {
  it('cancels the load, and the next load starts after the gap', async () => {
    const test = await openFeed()
    await test.append('1')
    const feed = test.open()
    expect([feed.next(), feed.position()]).toEqual([undefined, 'snapshot'])
    const first = await test.loads.take()
    await test.lose()
    expect(feed.next()).toBeUndefined()
    expect(first.signal.aborted).toBe(true)
    first.give(1)
    const second = await test.loads.take()
    expect(second.lastEventId).not.toBe(first.lastEventId)
    expect(second.signal.aborted).toBe(false)
    await settled()
    expect(feed.next()).toBeUndefined()
    second.give(7)
    await settled()
    expect(feed.next()).toMatchObject({ id: second.lastEventId, decoded: { value: snapshot(7) } })
    expect(feed.position()).toBe(second.lastEventId)
    expect(feed.next()).toMatchObject({ data: '{"type":"event","data":0}' })
    feed.close()
  })

  it('keeps no events in memory: they follow the snapshot', async () => {
    const test = await openFeed()
    await test.append('1')
    const feed = test.open()
    feed.next()
    const { give, lastEventId } = await test.loads.take()
    // More than the log retains. A cursor in the window can still read them.
    for (const payload of ['2', '3', '4', '5', '6']) await test.append(payload)
    expect(feed.next()).toBeUndefined()
    expect(feed.position()).toBe('snapshot')
    give(3)
    await settled()
    expect(feed.next()).toMatchObject({ id: lastEventId })
    const rest = Array.from({ length: 5 }, () => (feed.next() as FeedEvent).data)
    expect(rest).toEqual([2, 3, 4, 5, 6].map((n) => `{"type":"event","data":${n}}`))
    expect(feed.next()).toBeUndefined()
    feed.close()
  })
})

describe('a live subscription that is behind', () => {
  it.each(['latest', 'disconnect'] as const)(
    'doesn’t count as behind during its own load, with the policy %s',
    async (policy) => {
      const test = await openFeed(undefined, policy)
      const feed = test.open()
      feed.next()
      const { give } = await test.loads.take()
      for (const payload of ['1', '2', '3', '4', '5', '6']) {
        await test.append(payload)
        expect([feed.next(), feed.isTooFarBehind()]).toEqual([undefined, false])
      }
      give(0)
      await settled()
      expect(feed.next()).toMatchObject({ decoded: { value: snapshot(0) } })
      expect(feed.isTooFarBehind()).toBe(false)
      const rest = Array.from({ length: 6 }, () => (feed.next() as FeedEvent).data)
      expect(rest).toEqual([1, 2, 3, 4, 5, 6].map((n) => `{"type":"event","data":${n}}`))
      feed.close()
    },
  )

  it.each(['latest', 'disconnect'] as const)(
    'counts as behind if it falls behind after it has caught up (%s)',
    async (policy) => {
      const test = await openFeed(undefined, policy)
      const feed = test.open()
      feed.next()
      ;(await test.loads.take()).give(0)
      await settled()
      expect([feed.next(), feed.next()]).toEqual([
        expect.objectContaining({ kind: 'event' }),
        undefined,
      ])
      for (const payload of ['1', '2', '3', '4', '5']) await test.append(payload)
      if (policy === 'disconnect') return expect(feed.isTooFarBehind()).toBe(true)
      // It continues at the newest event, after another snapshot.
      expect(feed.next()).toBeUndefined()
      ;(await test.loads.take()).give(4)
      await settled()
      expect(feed.next()).toMatchObject({ decoded: { value: snapshot(4) } })
      expect(feed.next()).toMatchObject({ data: '{"type":"event","data":5}' })
      feed.close()
    },
  )
})

describe('live subscriptions share', () => {
  it.each([
    ['', undefined],
    [', written by a transformer', superjson],
  ])('one object for each event%s', async (_, transformer) => {
    const test = await openFeed(transformer)
    const feeds = [test.open(() => 1), test.open(() => 2)]
    for (const feed of feeds) feed.next()
    await settled()
    await test.append(createCodec(transformer).serialize(5))
    const got = feeds.map((feed) => [feed.next(), feed.next()])
    expect(got.map(([first]) => (first as FeedEvent).decoded?.value)).toEqual([
      snapshot(1),
      snapshot(2),
    ])
    expect(got[0]?.[1]).toBe(got[1]?.[1])
    const { data = '' } = (got[0]?.[1] ?? {}) as FeedEvent
    expect(createCodec(transformer).deserialize(payloadText(data))).toEqual(event(5))
  })

  it('the event of a tracked snapshot', async () => {
    const test = await openFeed()
    const shared = tracked('0-0', 1)
    const feeds = [test.open(() => shared), test.open(async () => shared)]
    for (const feed of feeds) feed.next()
    await settled()
    const [first, second] = feeds.map((feed) => feed.next())
    expect(first).toMatchObject({ id: '0-0', data: '{"type":"snapshot","data":1}' })
    expect(second).toBe(first)
  })
})
