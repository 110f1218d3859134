import { RealtimeError } from '@trpc-sse/protocol'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'
import { type StateChannelOptions, stateChannel } from './definition.ts'

const point = z.object({ x: z.number(), y: z.number() })
type Options = Partial<StateChannelOptions<z.ZodString, typeof point>>

function setup(options: Options = {}, change: (backend: Backend) => Backend = (same) => same) {
  const clock = manualClock()
  const channels = createChannels({
    backend: change(memoryBackend({ clock })),
    clock,
    channels: {
      cursors: stateChannel({ params: z.string(), value: point, ...options }),
      flags: stateChannel({ value: z.boolean() }),
    },
  })
  return { clock, channels, board: channels.cursors('a') }
}

/** Reads items of a subscription as they are asked for. */
function reader<TItem>(subscription: AsyncIterable<[string, TItem, symbol]>) {
  const items = subscription[Symbol.asyncIterator]()
  return {
    async next(): Promise<TItem> {
      const { value } = await items.next()
      return value[1]
    },
    tracked: async () => (await items.next()).value,
    leave: () => items.return?.(undefined),
  }
}

const at = (x: number, y = 0) => ({ x, y })

describe('a state channel', () => {
  it('keeps the newest value of each key', async () => {
    const { board, channels } = setup()
    await board.set('ann', at(1))
    await board.set('bob', at(2))
    const { id } = await board.set('ann', at(3))
    expect(await board.entries()).toEqual({
      entries: [
        ['ann', at(3)],
        ['bob', at(2)],
      ],
      lastEventId: id,
    })
    expect((await channels.cursors('b').entries()).entries).toEqual([])
  })

  it('sends a snapshot, and then each change in order', async () => {
    const { board } = setup()
    await board.set('ann', at(1))
    const live = reader(board.live())
    expect(await live.next()).toEqual({ type: 'snapshot', data: [{ key: 'ann', value: at(1) }] })
    await board.set('bob', at(2))
    await board.set('ann', at(3))
    await board.delete('bob')
    expect(await live.next()).toEqual(event({ type: 'set', key: 'bob', value: at(2) }))
    expect(await live.next()).toEqual(event({ type: 'set', key: 'ann', value: at(3) }))
    expect(await live.next()).toEqual(event({ type: 'removed', key: 'bob' }))
  })

  it('resumes with the changes that were missed', async () => {
    const { board } = setup()
    const first = reader(board.live())
    const [lastEventId] = await first.tracked()
    await first.leave()
    await board.set('ann', at(1))
    const again = reader(board.live({ lastEventId }))
    expect(await again.next()).toEqual(event({ type: 'set', key: 'ann', value: at(1) }))
  })

  it('sends another snapshot where changes are no longer available', async () => {
    const { board, clock } = setup({ retain: { events: 2 } })
    const first = reader(board.live())
    const [lastEventId] = await first.tracked()
    await first.leave()
    for (const x of [1, 2, 3]) await board.set('ann', at(x))
    clock.advance(100)
    const again = reader(board.live({ lastEventId }))
    expect(await again.next()).toEqual({ type: 'snapshot', data: [{ key: 'ann', value: at(3) }] })
  })

  it('keeps values of a transformer', async () => {
    const clock = manualClock()
    const channels = createChannels({
      clock,
      transformer: superjson,
      channels: { seen: stateChannel({ value: z.object({ at: z.date() }) }) },
    })
    const value = { at: new Date(5) }
    const live = reader(channels.seen().live())
    expect(await live.next()).toEqual({ type: 'snapshot', data: [] })
    await channels.seen().set('ann', value)
    expect(await live.next()).toEqual(event({ type: 'set', key: 'ann', value }))
    expect((await channels.seen().entries()).entries).toEqual([['ann', value]])
    clock.advance(100)
    const other = reader(channels.seen().live())
    expect(await other.next()).toEqual({ type: 'snapshot', data: [{ key: 'ann', value }] })
    await channels.close()
  })

  it('leaves out entries that can’t be decoded, and reports them', async () => {
    const backend = memoryBackend()
    const reports: string[] = []
    const channels = createChannels({
      backend,
      channels: { flags: stateChannel({ value: z.boolean() }) },
      onError: (error, { stage }) => reports.push(`${stage}: ${(error as Error).message}`),
    })
    await channels.flags().set('dark', true)
    const log = {
      key: '["flags"]',
      retain: { events: 10, forMs: 60_000 },
      entries: { checkMs: 1_000 },
    }
    const foreign = ['x', 'y'].map((key) => ({ key, value: '{not JSON' }))
    await backend.change?.(log, { set: foreign })
    expect((await channels.flags().entries()).entries).toEqual([['dark', true]])
    expect(await reader(channels.flags().live()).next()).toEqual({
      type: 'snapshot',
      data: [{ key: 'dark', value: true }],
    })
    expect(reports[0]).toMatch(/^decode: 2 entries can't be decoded \("x" first\)/)
    await channels.flags().set('x', false)
    expect(new Map((await channels.flags().entries()).entries).get('x')).toBe(false)
    await channels.close()
  })

  it('shares a snapshot of a moment ago, and the changes that follow it', async () => {
    const { board } = setup()
    const first = await reader(board.live()).tracked()
    await board.set('ann', at(1))
    const live = reader(board.live())
    expect(await live.tracked()).toEqual(first)
    expect(await live.next()).toEqual(event({ type: 'set', key: 'ann', value: at(1) }))
  })

  it('has channels of other kinds beside it', async () => {
    const { flag } = { flag: stateChannel({ value: z.boolean() }) }
    const channels = createChannels({ channels: { flag, chat: channel({ event: z.string() }) } })
    await channels.flag().set('dark', true)
    await channels.chat().publish('hello')
    expect((await channels.flag().entries()).entries).toEqual([['dark', true]])
    await channels.close()
  })
})

describe('setMany', () => {
  it('sets all entries in one step, the last of a key at the end', async () => {
    const { board } = setup()
    const results = await board.setMany([
      ['ann', at(1)],
      ['bob', at(2)],
      ['ann', at(3)],
    ])
    const { entries, lastEventId } = await board.entries()
    expect(new Map(entries)).toEqual(new Map([['ann', at(3)], ['bob', at(2)]])) // biome-ignore format: a map
    expect(results.map(({ id }) => id).at(-1)).toBe(lastEventId)
    expect(results).toHaveLength(3)
  })

  it('sets nothing if one of them does not fit', async () => {
    const { board } = setup()
    const wrong = board.setMany([
      ['ann', at(1)],
      ['bob', { x: 'far' } as never],
    ])
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_EVENT' })
    expect((await board.entries()).entries).toEqual([])
  })

  it('takes nothing, and a map', async () => {
    const { board } = setup()
    expect(await board.setMany([])).toEqual([])
    await board.setMany(new Map([['ann', at(1)]]))
    expect((await board.entries()).entries).toEqual([['ann', at(1)]])
  })

  it('takes up to 1,000 entries', async () => {
    const { board } = setup()
    const many = Array.from({ length: 1_001 }, (_, i) => [`k${i}`, at(i)] as const)
    await expect(board.setMany(many)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(await board.setMany(many.slice(1))).toHaveLength(1_000)
  })
})

describe('update', () => {
  it('gets the value that is there, and sets what it returns', async () => {
    const { board } = setup()
    const seen: unknown[] = []
    const right = (value: { x: number; y: number } | undefined) => {
      seen.push(value)
      return at((value?.x ?? 0) + 1)
    }
    await board.update('ann', right)
    await board.update('ann', async (value) => right(value))
    expect(seen).toEqual([undefined, at(1)])
    expect((await board.entries()).entries).toEqual([['ann', at(2)]])
  })

  it('loses no update of many at once', async () => {
    const { board } = setup()
    const right = (value: { x: number; y: number } | undefined) => at((value?.x ?? 0) + 1)
    await Promise.all(Array.from({ length: 10 }, () => board.update('ann', right)))
    expect((await board.entries()).entries).toEqual([['ann', at(10)]])
  })

  it('gives up with an error where the value changes each time', async () => {
    const { board } = setup()
    let x = 0
    const chased = board.update('ann', async () => {
      await board.set('ann', at(x++))
      return at(-1)
    })
    await expect(chased).rejects.toMatchObject({ code: 'UPDATE_CONFLICT', retryable: true })
    expect(x).toBe(50)
    expect((await board.entries()).entries).toEqual([['ann', at(49)]])
  })

  it('deletes the entry if it returns undefined', async () => {
    const { board } = setup()
    await board.set('ann', at(1))
    expect(await board.update('ann', () => undefined)).toMatchObject({ id: expect.any(String) })
    expect((await board.entries()).entries).toEqual([])
  })

  it('rejects with what the function throws, and changes nothing', async () => {
    const { board } = setup()
    await board.set('ann', at(1))
    const update = board.update('ann', () => {
      throw new Error('no')
    })
    await expect(update).rejects.toThrow('no')
    expect((await board.entries()).entries).toEqual([['ann', at(1)]])
  })
})

describe('delete', () => {
  it('stores no event for a key that is not there', async () => {
    const { board } = setup()
    const { id } = await board.set('ann', at(1))
    expect(await board.delete('bob')).toEqual({ id: undefined })
    expect((await board.entries()).lastEventId).toBe(id)
  })
})

describe('an entry with a time', () => {
  it('expires for every reader, as an event of the log', async () => {
    const { board, clock } = setup({ forMs: 5_000 })
    const live = reader(board.live())
    await live.next()
    await board.set('ann', at(1))
    await live.next()
    await board.set('bob', at(2), { forMs: 20_000 })
    await live.next()
    const removed = live.next()
    for (let second = 0; second < 7; second++) await tick(clock)
    expect(await removed).toEqual(event({ type: 'removed', key: 'ann' }))
    expect((await board.entries()).entries).toEqual([['bob', at(2)]])
  })

  it('stays when it is set again in time', async () => {
    const { board, clock } = setup({ forMs: 5_000 })
    await board.set('ann', at(1))
    clock.advance(4_000)
    await board.set('ann', at(1))
    clock.advance(4_000)
    expect((await board.entries()).entries).toEqual([['ann', at(1)]])
    clock.advance(1_000)
    expect((await board.entries()).entries).toEqual([])
  })

  it('is seen to expire by a reader that has only been told of it', async () => {
    const { board, clock } = setup()
    const live = reader(board.live())
    await live.next()
    await board.set('ann', at(1), { forMs: 1_000 })
    await live.next()
    const removed = live.next()
    for (let second = 0; second < 3; second++) await tick(clock)
    expect(await removed).toEqual(event({ type: 'removed', key: 'ann' }))
  })
})

async function tick(clock: { advance(ms: number): void }): Promise<void> {
  clock.advance(1_000)
  await new Promise((resolve) => setImmediate(resolve))
}

describe('bad input', () => {
  it.each([
    ['an empty key', ''],
    ['a key that is too long', 'k'.repeat(257)],
    ['a key with half a character', '\ud800'],
    ['no key', undefined as never],
  ])('refuses %s', async (_, key) => {
    const { board } = setup()
    const refused = { code: 'INVALID_OPTION' }
    await expect(board.set(key, at(1))).rejects.toMatchObject(refused)
    await expect(board.setMany([[key, at(1)]])).rejects.toMatchObject(refused)
    await expect(board.update(key, () => at(1))).rejects.toMatchObject(refused)
    await expect(board.delete(key)).rejects.toMatchObject(refused)
  })

  it.each(['__proto__', 'constructor', '\0', 'a b', 'ключ', 'k'.repeat(256)])(
    'takes the key %j as any other',
    async (key) => {
      const { board } = setup()
      const live = reader(board.live())
      await live.next()
      await board.set(key, at(1))
      expect(await live.next()).toEqual(event({ type: 'set', key, value: at(1) }))
      expect((await board.entries()).entries).toEqual([[key, at(1)]])
      await board.delete(key)
      expect(await live.next()).toEqual(event({ type: 'removed', key }))
    },
  )

  it('refuses values that do not fit, or are too large', async () => {
    const channels = createChannels({
      channels: { notes: stateChannel({ value: z.string(), maxValueBytes: 10 }) },
    })
    const notes = channels.notes()
    await expect(notes.set('a', 5 as never)).rejects.toMatchObject({ code: 'INVALID_EVENT' })
    await expect(notes.set('a', 'é'.repeat(5))).rejects.toMatchObject({
      code: 'EVENT_TOO_LARGE',
      message: expect.stringContaining('maxValueBytes'),
    })
    await notes.set('a', 'é'.repeat(4))
    await channels.close()
  })

  it('refuses one more entry than the limit, which it names', async () => {
    const { board } = setup({ entries: { max: 2 } })
    await board.set('a', at(1))
    await board.set('b', at(1))
    const refused = { code: 'TOO_MANY_ENTRIES', message: expect.stringContaining('entries.max') }
    await expect(board.set('c', at(1))).rejects.toMatchObject(refused)
    await expect(board.update('c', () => at(1))).rejects.toMatchObject(refused)
    await expect(board.setMany([['a', at(2)], ['c', at(1)]])).rejects.toMatchObject(refused) // biome-ignore format: a pair
    await board.set('a', at(3))
    await board.delete('b')
    await board.set('c', at(1))
    expect((await board.entries()).entries.map(([key]) => key)).toEqual(['a', 'c'])
  })

  it.each([0, -1, 999, 1_000.5, Number.NaN, 365 * 86_400_000, '5000' as never])(
    'refuses forMs %s',
    async (forMs) => {
      const { board } = setup()
      const refused = { code: 'INVALID_OPTION', message: expect.stringContaining('forMs') }
      await expect(board.set('a', at(1), { forMs })).rejects.toMatchObject(refused)
      expect(() => stateChannel({ value: point, forMs })).toThrow(RealtimeError)
    },
  )

  it('refuses options that can not be used', () => {
    expect(() => stateChannel({ value: 5 as never })).toThrow('value is not a Standard Schema')
    expect(() => stateChannel({ value: point, entries: { max: 0 } })).toThrow('entries.max')
    expect(() => stateChannel({ value: point, maxValueBytes: 0 })).toThrow('maxValueBytes')
    expect(() => stateChannel({ value: point, retain: { events: 0 } })).toThrow('events')
  })

  it('refuses a backend without entries', () => {
    const without = ({ change, entries, ...backend }: Backend): Backend => backend
    expect(() => setup({}, without)).toThrow('entries')
  })
})

const event = <TData>(data: TData) => ({ type: 'event', data })
