/** Failures that users of other products with shared state have reported, tried on state channels. */
import { createChannels, memoryBackend, type StateEvent, stateChannel } from '@trpc-sse/server'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../support/manual-clock.ts'
import { settled } from '../support/runs.ts'

const hourMs = 3_600_000

/** Creates an instance for each error of a clock, on one backend whose clock is right. */
function setup(...clockErrorsMs: readonly number[]) {
  const clock = manualClock()
  const backend = memoryBackend({ clock })
  const instances = clockErrorsMs.map((errorMs) =>
    createChannels({
      backend: { ...backend, close: async () => {} },
      clock: { ...clock, now: () => clock.now() + errorMs },
      channels: {
        typing: stateChannel({ params: z.string(), value: z.string(), forMs: 4_000 }),
        seats: stateChannel({ value: z.array(z.string()) }),
      },
    }),
  )
  /** Lets seconds pass, one after the other. */
  async function pass(seconds: number): Promise<void> {
    for (let i = 0; i < 10 * seconds; i++) {
      clock.advance(100)
      await settled()
    }
  }
  return { instances, pass }
}

type Instance = ReturnType<typeof setup>['instances'][number]

/** Reads who is typing, as a client does, from the position of a page if there is one. */
function watch(
  instance: Instance,
  page?: Awaited<ReturnType<ReturnType<Instance['typing']>['entries']>>,
) {
  const seen = new Map(page?.entries)
  const events: StateEvent<string>[] = []
  const from = page?.lastEventId === undefined ? {} : { lastEventId: page.lastEventId }
  const { signal } = new AbortController()
  void (async () => {
    for await (const [, item] of instance.typing('a').live({ signal, ...from })) {
      events.push(item)
      if (item.type === 'snapshot') {
        seen.clear()
        for (const { key, value } of item.data) seen.set(key, value)
      } else if (item.data.type === 'set') seen.set(item.data.key, item.data.value)
      else seen.delete(item.data.key)
    }
  })()
  return { seen, events }
}

// https://github.com/flarum/framework/issues/4967
it('who types is shown for as long as it should be, however wrong the clocks of instances are', async () => {
  const { instances, pass } = setup(0, -hourMs, hourMs)
  const readers = instances.map((instance) => watch(instance))
  await pass(1)
  for (const [i, { typing }] of instances.entries()) await typing('a').set(`user ${i}`, 'types')
  await pass(3)
  for (const { seen } of readers)
    expect([...seen.keys()].sort()).toEqual(['user 0', 'user 1', 'user 2'])
  await pass(3)
  for (const { seen } of readers) expect(seen.size).toBe(0)
})

// https://github.com/odoo/odoo/pull/249796
it('an entry that is set again with an equal value expires later, once', async () => {
  const { instances, pass } = setup(0, 0)
  const [first, second] = instances as [Instance, Instance]
  const { seen, events } = watch(second)
  await pass(1)
  for (let i = 0; i < 5; i++) {
    await first.typing('a').set('ann', 'types')
    await first.typing('a').set('ann', 'types')
    await pass(3)
    expect(seen.get('ann')).toBe('types')
  }
  await pass(3)
  expect(seen.size).toBe(0)
  const removed = events.filter((item) => item.type === 'event' && item.data.type === 'removed')
  expect(removed).toHaveLength(1)
})

// https://github.com/mitmedialab/unhangout-old/issues/312
it('changes between the load of a page and its subscription are not lost', async () => {
  const { instances, pass } = setup(0, 0)
  const [first, second] = instances as [Instance, Instance]
  await first.typing('a').set('stays', 'types', { forMs: 60_000 })
  await first.typing('a').set('deleted', 'types')
  await first.typing('a').set('expires', 'types')
  const page = await first.typing('a').entries()
  await first.typing('a').set('new', 'types', { forMs: 60_000 })
  await first.typing('a').delete('deleted')
  await pass(10)
  const { seen } = watch(second, page)
  await pass(1)
  expect([...seen.keys()].sort()).toEqual(['new', 'stays'])
})

// https://github.com/zanieb/prefect-kv/issues/2
it('changes that several instances make to one value at the same time are all kept', async () => {
  const { instances } = setup(0, 0, 0)
  const people = Array.from({ length: 30 }, (_, i) => `user ${i}`)
  await Promise.all(
    people.map((person, i) =>
      instances[i % 3]?.seats().update('row 1', (taken = []) => [...taken, person]),
    ),
  )
  const [first] = instances as [Instance]
  const [[, taken = []] = []] = (await first.seats().entries()).entries
  expect([...taken].sort()).toEqual([...people].sort())
})
