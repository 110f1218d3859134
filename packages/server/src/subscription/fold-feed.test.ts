import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { range } from '../../../../tests/support/numbers.ts'
import { seededRandom } from '../../../../tests/support/seeded-random.ts'
import { memoryBackend } from '../backend/memory.ts'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'
import { createCodec } from '../codec/codec.ts'
import type { FeedEvent } from '../hub/log-event.ts'
import type { Gap } from './feed.ts'
import { FoldFeed } from './fold-feed.ts'
import type { SubscribeOptions } from './options.ts'

const event = z.array(z.number())
const fold = (earlier: number[], later: number[]): number[] => [...earlier, ...later]

function setup(options: Partial<Parameters<typeof channel<typeof event>>[0]> = {}) {
  const onError = vi.fn()
  const channels = createChannels({
    backend: memoryBackend(),
    onError,
    channels: { lists: channel({ event, fold, whenBehind: 'fold', behindEvents: 10, ...options }) },
  })
  return {
    lists: channels.lists(),
    onError,
    [Symbol.asyncDispose]: () => channels.close(),
  }
}

type Lists = ReturnType<typeof setup>['lists']

/** Publishes lists of one number each. */
async function publish(lists: Lists, from: number, to: number): Promise<string[]> {
  return (await lists.publishMany(range(from, to).map((n) => [n]))).map(({ id }) => id)
}

/** Reads events, with their ids, until a number is in one of them. */
async function readUntil(lists: Lists, options: SubscribeOptions, last: number) {
  const events: (readonly [id: string, list: number[]])[] = []
  for await (const [id, list] of lists.subscribe(options)) {
    events.push([id, list])
    if (list.includes(last)) return events
  }
  return events
}

describe('a subscription that is behind, in a channel with a fold,', () => {
  it('gets one event in place of many, with the id of the last', async () => {
    await using s = setup()
    const [first] = await publish(s.lists, 0, 0)
    const ids = await publish(s.lists, 1, 500)
    const events = await readUntil(s.lists, { lastEventId: first }, 500)
    expect(events).toEqual([[ids.at(-1), range(1, 500)]])
    expect(s.onError).not.toHaveBeenCalled()
  })

  it('gets each event once it has caught up', async () => {
    await using s = setup()
    await publish(s.lists, 0, 0)
    const iterator = s.lists.subscribe()[Symbol.asyncIterator]()
    const next = async () => (await iterator.next()).value?.[1]
    const started = next()
    await publish(s.lists, 1, 1)
    expect(await started).toEqual([1])
    await publish(s.lists, 2, 101)
    expect(await next()).toEqual(range(2, 101))
    await publish(s.lists, 102, 111)
    for (const n of range(102, 111)) expect(await next()).toEqual([n])
    await iterator.return?.()
  })

  it('gets its whole replay event by event', async () => {
    await using s = setup()
    await publish(s.lists, 1, 100)
    const events = await readUntil(s.lists, { replay: 'all' }, 100)
    expect(events.map(([, list]) => list)).toEqual(range(1, 100).map((n) => [n]))
  })

  it('gets folded events of at most 1,000 events, or maxEventBytes', async () => {
    await using many = setup({ retain: { events: 10_000 } })
    const [first] = await publish(many.lists, 0, 0)
    await publish(many.lists, 1, 2_500)
    const events = await readUntil(many.lists, { lastEventId: first }, 2_500)
    expect(events.map(([, { length }]) => length)).toEqual([1_000, 1_000, 500])
    await using large = setup({ maxEventBytes: 100 })
    const [id] = await publish(large.lists, 0, 0)
    await publish(large.lists, 1, 100)
    const parts = await readUntil(large.lists, { lastEventId: id }, 100)
    expect(parts.flatMap(([, list]) => list)).toEqual(range(1, 100))
    expect(Math.max(...parts.map(([, { length }]) => length))).toBeLessThan(30)
  })

  it('gets a gap where events are missing, before what follows it', async () => {
    await using s = setup({ retain: { events: 50 } })
    const [first] = await publish(s.lists, 0, 0)
    await publish(s.lists, 1, 500)
    const events = await readUntil(s.lists, { lastEventId: first }, 500)
    expect(events.map(([, list]) => list)).toEqual([range(451, 500)])
    expect(s.onError).toHaveBeenCalledOnce()
  })

  it.each(range(1, 20))(
    'misses and repeats nothing, wherever it resumes and however slowly it reads: seed %i',
    async (seed) => {
      await using s = setup({ retain: { events: 100_000 } })
      const random = seededRandom(seed)
      const below = (n: number): number => Math.floor(random() * n)
      let [lastEventId] = await publish(s.lists, 0, 0)
      let published = 0
      const seen: number[] = []
      for (let round = 0; round < 12; round++) {
        const iterator = s.lists.subscribe({ lastEventId })[Symbol.asyncIterator]()
        const batch = 1 + below(below(2) === 0 ? 5 : 400)
        await publish(s.lists, published + 1, published + batch)
        published += batch
        for (let reads = below(6); reads >= 0 && seen.length < published; reads--) {
          const { value } = await iterator.next()
          lastEventId = value?.[0]
          seen.push(...(value?.[1] ?? []))
        }
        await iterator.return?.()
      }
      const rest = seen.length < published ? readUntil(s.lists, { lastEventId }, published) : []
      seen.push(...(await rest).flatMap(([, list]) => list))
      expect(seen).toEqual(range(1, published))
    },
  )

  it.each([
    ['throws', () => JSON.parse('')],
    ['returns a promise', async () => [1]],
    ['returns nothing', () => undefined],
  ])('ends with an error if the fold %s', async (_, bad) => {
    await using s = setup({ fold: bad as never })
    const [first] = await publish(s.lists, 0, 0)
    await publish(s.lists, 1, 100)
    await expect(readUntil(s.lists, { lastEventId: first }, 100)).rejects.toThrow()
    // Others don't notice.
    const events = await readUntil(s.lists, { replay: 2 }, 100)
    expect(events).toHaveLength(2)
  })

  it('gets folded events after its snapshot, too', async () => {
    await using s = setup()
    await publish(s.lists, 1, 1)
    const live = s.lists.live({}, () => 'state')[Symbol.asyncIterator]()
    const next = async () => (await live.next()).value?.[1]
    expect(await next()).toEqual({ type: 'snapshot', data: 'state' })
    const caughtUp = next()
    await publish(s.lists, 2, 2)
    expect(await caughtUp).toEqual({ type: 'event', data: [2] })
    await publish(s.lists, 3, 102)
    expect(await next()).toEqual({ type: 'event', data: range(3, 102) })
    await live.return?.()
  })
})

describe('the position of a feed that folds', () => {
  const codec = createCodec(undefined)

  it('stays before events that it holds, and before a gap', () => {
    const gap: Gap = {
      kind: 'gap',
      lastEventId: '3-0',
      position: '5-0',
      reason: 'trimmed',
      report() {},
    }
    const items: (FeedEvent | Gap | undefined)[] = [2, 3].map((n) => {
      const decoded = { value: [n] }
      return { kind: 'event', id: `${n}-0`, data: `[${n}]`, codec, decoded, frame: undefined }
    })
    let position = '1-0'
    const feed = new FoldFeed(
      {
        next() {
          const item = items.shift()
          if (item) position = item.kind === 'gap' ? item.position : item.id
          return item
        },
        position: () => position,
        isBehind: () => true,
        hasCaughtUp: () => false,
        isTooFarBehind: () => false,
        needValues() {},
        readers: () => [],
        close() {},
      },
      codec,
      { fold: (a, b) => [...(a as number[]), ...(b as number[])], maxBytes: 1_000 },
    )
    // The next page is on its way.
    expect(feed.next()).toBeUndefined()
    expect(feed.position()).toBe('1-0')
    items.push(gap)
    expect(feed.next()).toMatchObject({ id: '3-0', data: '[2,3]' })
    expect(feed.position()).toBe('3-0')
    expect(feed.next()).toBe(gap)
    expect(feed.position()).toBe('5-0')
  })
})

describe('a fold', () => {
  it('is needed for whenBehind fold, and for nothing else', () => {
    expect(() => channel({ event, whenBehind: 'fold' })).toThrow('fold')
    expect(() => channel({ event, fold })).toThrow('whenBehind')
    expect(() => channel({ event, fold: 1 as never, whenBehind: 'fold' })).toThrow('fold')
  })
})
