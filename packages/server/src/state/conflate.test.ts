import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { createChannels } from '../channels.ts'
import { stateChannel } from './definition.ts'
import type { StateEvent } from './read-state.ts'

function setup() {
  const value = z.number()
  const clock = manualClock()
  const channels = createChannels({
    clock,
    channels: { conflated: stateChannel({ value, conflate: true }), all: stateChannel({ value }) },
    window: { events: 200 },
  })
  return { ...channels, clock }
}

/** Starts to read, and returns functions that read one item, or as many as a key has values. */
async function begin(subscription: AsyncIterable<[string, StateEvent<number>, symbol]>) {
  const items = subscription[Symbol.asyncIterator]()
  const next = async (): Promise<StateEvent<number>> => (await items.next()).value[1]
  expect(await next()).toEqual({ type: 'snapshot', data: [] })
  return next
}

async function readUntil(next: () => Promise<StateEvent<number>>, value: number) {
  const seen: StateEvent<number>[] = []
  for (;;) {
    const item = await next()
    seen.push(item)
    const { data } = item
    if ('type' in data && data.type === 'set' && data.value === value) return seen
  }
}

describe('conflation', () => {
  it('sends a reader that is behind only the newest change of each key', async () => {
    const channels = setup()
    const behind = await begin(channels.conflated().live())
    for (let i = 0; i < 99; i++) await channels.conflated().set(`k${i % 3}`, i)
    await channels.conflated().delete('k0')
    await channels.conflated().set('end', 100)
    expect(await readUntil(behind, 100)).toEqual([
      { type: 'event', data: { type: 'set', key: 'k1', value: 97 } },
      { type: 'event', data: { type: 'set', key: 'k2', value: 98 } },
      { type: 'event', data: { type: 'removed', key: 'k0' } },
      { type: 'event', data: { type: 'set', key: 'end', value: 100 } },
    ])
    await channels.close()
  })

  it('sends a reader that reads along every change', async () => {
    const channels = setup()
    const next = await begin(channels.conflated().live())
    for (let i = 0; i < 10; i++) {
      await channels.conflated().set('k', i)
      expect(await next()).toEqual({ type: 'event', data: { type: 'set', key: 'k', value: i } })
    }
    await channels.close()
  })

  it('sends a reader that is behind the events in memory another snapshot', async () => {
    const { clock, ...channels } = setup()
    const behind = await begin(channels.conflated().live())
    const many = Array.from({ length: 1_000 }, (_, i) => [`k${i % 3}`, i] as const)
    const waiting = behind()
    await new Promise((resolve) => setImmediate(resolve))
    await channels.conflated().set('k0', -1)
    await waiting
    clock.advance(100)
    await channels.conflated().setMany(many)
    expect(await behind()).toEqual({
      type: 'snapshot',
      data: [
        { key: 'k0', value: 999 },
        { key: 'k1', value: 997 },
        { key: 'k2', value: 998 },
      ],
    })
    await channels.close()
  })

  it('sends a reader that is behind again and again as many snapshots as it takes', async () => {
    const { clock, ...channels } = setup()
    const behind = await begin(channels.conflated().live())
    for (let round = 0; round < 6; round++) {
      const waiting = behind()
      await new Promise((resolve) => setImmediate(resolve))
      const many = Array.from({ length: 1_000 }, (_, i) => ['k', 1_000 * round + i] as const)
      await channels.conflated().setMany(many)
      const data = [{ key: 'k', value: 1_000 * round + 999 }]
      expect(await waiting).toEqual({ type: 'snapshot', data })
    }
    await channels.close()
  })

  it('is an option: otherwise, all changes are sent', async () => {
    const channels = setup()
    const behind = await begin(channels.all().live())
    const many = Array.from({ length: 500 }, (_, i) => [`k${i % 3}`, i] as const)
    await channels.all().setMany(many)
    expect(await readUntil(behind, 499)).toHaveLength(500)
    await channels.close()
  })
})
