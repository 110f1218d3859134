import { initTRPC } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { inTime, settled } from '../../../../tests/support/runs.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'
import type { HoldOptions } from './handle.ts'

const member = z.object({ name: z.string() })

/** Creates instances on one backend, and a clock for all of them. */
function setup({ instances = 1, max = 10_000, graceMs = 5_000 } = {}) {
  const clock = manualClock()
  const random = { value: 0 }
  const backend = memoryBackend({ clock })
  // Each draw is different, as the ids of instances are.
  const chance = { ...clock, random: () => (random.value = (random.value + 0.377) % 1) }
  const failures: unknown[] = []
  const apps = Array.from({ length: instances }, () => {
    let isAway = false
    const link: Backend = {
      ...backend,
      async change(...args) {
        if (isAway) throw new Error('away')
        return (await backend.change?.(...args)) as never
      },
      async entries(...args) {
        if (isAway) throw new Error('away')
        return (await backend.entries?.(...args)) as never
      },
      close: async () => {},
    }
    const channels = createChannels({
      backend: link,
      clock: chance,
      channels: {
        room: channel({
          params: z.string(),
          event: z.string(),
          presence: { member, max, graceMs },
        }),
      },
      onError: (error) => failures.push(error),
    })
    return {
      channels,
      presence: channels.room('a').presence,
      /** Loses the backend, as a frozen process or a cut cable does. */
      setAway: (away: boolean) => {
        isAway = away
      },
    }
  })
  const [first = apps[0] as never, second = apps[0] as never] = apps

  /** Holds a member until the returned function is called. */
  async function hold(app: typeof first, key: string, name = key): Promise<() => void> {
    const over = new AbortController()
    await inTime(clock, app.presence.hold({ signal: over.signal }, { key, value: { name } }))
    return () => over.abort()
  }
  async function members(app = first): Promise<Record<string, string>> {
    const { entries } = await app.presence.entries()
    return Object.fromEntries(entries.map(([key, { name }]) => [key, name]).sort())
  }
  /** Lets seconds pass, one after the other. */
  async function pass(seconds: number): Promise<void> {
    for (let i = 0; i < 4 * seconds; i++) {
      clock.advance(250)
      await settled()
    }
  }
  return { clock, apps, first, second, hold, members, pass, failures, backend }
}

/** Collects the changes of a room. */
function changesOf(presence: ReturnType<typeof setup>['first']['presence']) {
  const over = new AbortController()
  const changes: unknown[] = []
  const reading = (async () => {
    for await (const [, item] of presence.live({ signal: over.signal }))
      if (item.type === 'event') changes.push(item.data)
  })()
  return { changes, stop: () => over.abort(), reading }
}

describe('a member', () => {
  it('is there while a subscription holds it, and for the grace period', async () => {
    const { first, hold, members, pass } = setup()
    const release = await hold(first, 'ann', 'Ann')
    expect(await members()).toEqual({ ann: 'Ann' })
    await pass(60)
    expect(await members()).toEqual({ ann: 'Ann' })
    release()
    await pass(4)
    expect(await members()).toEqual({ ann: 'Ann' })
    await pass(2)
    expect(await members()).toEqual({})
  })

  it('has not left if it is held again within the grace period', async () => {
    const { first, hold, members, pass } = setup()
    const { changes } = changesOf(first.presence)
    const release = await hold(first, 'ann')
    release()
    await pass(4)
    await hold(first, 'ann')
    await pass(20)
    expect(await members()).toEqual({ ann: 'ann' })
    expect(changes).toEqual([{ type: 'set', key: 'ann', value: { name: 'ann' } }])
  })

  it('is one, whatever the number of its tabs and their instances', async () => {
    const { first, second, hold, members, pass } = setup({ instances: 2 })
    const { changes } = changesOf(second.presence)
    await pass(1)
    const releases = [
      await hold(first, 'ann'),
      await hold(first, 'ann'),
      await hold(second, 'ann'),
      await hold(second, 'bob'),
    ]
    await pass(1)
    releases[0]?.()
    releases[2]?.()
    await pass(10)
    expect(await members()).toEqual({ ann: 'ann', bob: 'bob' })
    releases[1]?.()
    await pass(10)
    expect(await members(second)).toEqual({ bob: 'bob' })
    expect(changes).toEqual([
      { type: 'set', key: 'ann', value: { name: 'ann' } },
      { type: 'set', key: 'bob', value: { name: 'bob' } },
      { type: 'removed', key: 'ann' },
    ])
  })

  it('has the value that was set last', async () => {
    const { clock, first, second, hold, members, pass } = setup({ instances: 2 })
    const held = await inTime(
      clock,
      first.presence.hold(
        { signal: new AbortController().signal },
        { key: 'ann', value: { name: 'Ann' } },
      ),
    )
    await hold(second, 'ann', 'Anna')
    expect(await members()).toEqual({ ann: 'Anna' })
    await inTime(clock, held.update({ name: 'Annabel' }))
    expect(await members()).toEqual({ ann: 'Annabel' })
    await pass(20)
    expect(await members()).toEqual({ ann: 'Annabel' })
  })
})

describe('an instance', () => {
  it('that crashes takes its members with it within 15 seconds, and no others', async () => {
    const { first, second, hold, members, pass } = setup({ instances: 2 })
    await hold(first, 'ann')
    await hold(first, 'both')
    await hold(second, 'both')
    await hold(second, 'bob')
    await pass(20)
    first.setAway(true)
    await pass(15)
    expect(await members(second)).toEqual({ both: 'both', bob: 'bob' })
  })

  it('that crashes is removed from a few rooms at a time, whatever their number', async () => {
    const { clock, first, second, pass, backend } = setup({ instances: 2 })
    const { signal } = new AbortController()
    const rooms = Array.from({ length: 100 }, (_, i) => `room ${i}`)
    const member = { key: 'ann', value: { name: 'Ann' } }
    const holding = rooms.map((id) => first.channels.room(id).presence.hold({ signal }, member))
    await inTime(clock, Promise.all(holding))
    const read = () => Promise.all(rooms.map((id) => second.channels.room(id).presence.entries()))
    await read()
    let reads = 0
    let most = 0
    const { entries } = backend
    backend.entries = async (...call) => {
      reads += 1
      most = Math.max(most, reads)
      await settled()
      reads -= 1
      return (await entries?.(...call)) as never
    }
    first.setAway(true)
    await pass(15)
    backend.entries = entries as never
    expect(most).toBeLessThanOrEqual(10)
    expect((await read()).flatMap((room) => room.entries)).toEqual([])
  })

  it('that starts after all others have crashed removes their members', async () => {
    const { apps, hold, members, pass } = setup({ instances: 3 })
    const [first, second, third] = apps as [never, never, (typeof apps)[number]]
    await hold(first, 'ann')
    await hold(second, 'bob')
    for (const app of apps.slice(0, 2)) app.setAway(true)
    await pass(600)
    const { changes } = changesOf(third.presence)
    await pass(15)
    expect(await members(third)).toEqual({})
    expect(changes.map((change) => (change as { type: string }).type)).toEqual([
      'removed',
      'removed',
    ])
  })

  it('that was frozen brings its members back', async () => {
    const { first, second, hold, members, pass } = setup({ instances: 2 })
    await hold(first, 'ann')
    await hold(second, 'bob')
    await pass(20)
    first.setAway(true)
    await pass(15)
    expect(await members(second)).toEqual({ bob: 'bob' })
    first.setAway(false)
    await pass(5)
    expect(await members(second)).toEqual({ ann: 'ann', bob: 'bob' })
  })

  it('trusts no absence after the store was away: nobody leaves', async () => {
    const { apps, first, second, hold, members, pass, failures } = setup({ instances: 2 })
    await hold(first, 'ann')
    await hold(second, 'bob')
    await pass(20)
    const { changes } = changesOf(second.presence)
    await pass(1)
    for (const app of apps) app.setAway(true)
    await pass(60)
    for (const app of apps) app.setAway(false)
    await pass(60)
    expect(await members()).toEqual({ ann: 'ann', bob: 'bob' })
    expect(changes).toEqual([])
    // Once for each instance.
    expect(failures).toHaveLength(2)
  })

  it('that closes leaves its members the time to reconnect elsewhere', async () => {
    const { first, second, hold, members, pass } = setup({ instances: 2 })
    const { changes } = changesOf(second.presence)
    await hold(first, 'ann')
    await hold(first, 'bob')
    await pass(20)
    await first.channels.close()
    await pass(2)
    await hold(second, 'ann')
    await pass(15)
    expect(await members(second)).toEqual({ ann: 'ann' })
    expect(changes).toContainEqual({ type: 'removed', key: 'bob' })
    expect(changes).not.toContainEqual({ type: 'removed', key: 'ann' })
  })

  it('joins its members later if the store is away', async () => {
    const { first, hold, members, pass, failures } = setup()
    first.setAway(true)
    await hold(first, 'ann')
    expect(failures.length).toBeGreaterThan(0)
    first.setAway(false)
    await pass(5)
    expect(await members()).toEqual({ ann: 'ann' })
  })

  it('stores a value later that was set while the store was away', async () => {
    const { clock, first, members, pass } = setup()
    const { signal } = new AbortController()
    const ann = { key: 'ann', value: { name: 'Ann' } }
    const held = await inTime(clock, first.presence.hold({ signal }, ann))
    first.setAway(true)
    await inTime(clock, held.update({ name: 'Anna' }))
    first.setAway(false)
    await pass(5)
    expect(await members()).toEqual({ ann: 'Anna' })
  })

  it('that had no members for a while takes a new lease for the next one', async () => {
    const { first, hold, pass, backend } = setup()
    const entriesOf = async (key: string): Promise<readonly string[]> => {
      const log = { key, retain: { events: 1, forMs: 1_000 }, entries: { checkMs: 1_000 } }
      const page = await backend.entries?.(log, { limit: 10 })
      return page?.entries.map((entry) => entry.join(' ')) ?? []
    }
    changesOf(first.presence)
    const release = await hold(first, 'ann')
    release()
    await pass(30)
    await hold(first, 'ann')
    const [member = ''] = await entriesOf('~presence["room","a"]')
    const [lease] = await entriesOf('~instances')
    expect(lease).toBe(`${member.split(' ')[1]} alive`)
  })

  it('stops its heartbeats when nobody is in a room, or reads it', async () => {
    const { clock, first, hold, members, pass } = setup()
    const release = await hold(first, 'ann')
    await members()
    release()
    await pass(60)
    expect(clock.timers()).toEqual([])
  })
})

describe('a room', () => {
  it('stores joins that come together in few steps', async () => {
    const { clock, first, backend, members } = setup()
    let changes = 0
    const { change } = backend
    const counted: Backend['change'] = async (...args) => {
      changes += 1
      return (await change?.(...args)) as never
    }
    Object.assign(backend, { change: counted })
    const { signal } = new AbortController()
    const joins = Array.from({ length: 1_000 }, (_, i) =>
      first.presence.hold({ signal }, { key: `${i}`, value: { name: 'x' } }),
    )
    await inTime(clock, Promise.all(joins))
    expect(Object.keys(await members())).toHaveLength(1_000)
    expect(changes).toBeLessThan(10)
  })

  it('refuses one more member than the limit, which it names', async () => {
    const { clock, first, hold, members } = setup({ max: 2 })
    await hold(first, 'ann')
    const { signal } = new AbortController()
    const both = ['bob', 'cid'].map((key) =>
      first.presence.hold({ signal }, { key, value: { name: key } }),
    )
    const results = await inTime(clock, Promise.allSettled(both))
    expect(results).toMatchObject([
      { status: 'fulfilled' },
      { reason: { code: 'TOO_MANY_ENTRIES', message: expect.stringContaining('presence.max') } },
    ])
    expect(await members()).toEqual({ ann: 'ann', bob: 'bob' })
  })
})

describe('a room that is full when members return after an outage', () => {
  it('takes them once there is room, and the app is told once', async () => {
    const { clock, first, second, hold, members, pass, failures } = setup({ instances: 2, max: 2 })
    await hold(first, 'ann')
    first.setAway(true)
    await inTime(clock, hold(first, 'bob'))
    const leave = await hold(second, 'cid')
    first.setAway(false)
    await pass(20)
    expect(await members()).toEqual({ ann: 'ann', cid: 'cid' })
    expect(failures.map(String)).toEqual([
      expect.stringContaining('away'),
      expect.stringContaining('presence.max'),
    ])
    leave()
    await pass(10)
    expect(await members()).toEqual({ ann: 'ann', bob: 'bob' })
  })
})

describe('channels that are closed', () => {
  it('reject members that are not stored yet, and later ones', async () => {
    const { clock, first, hold } = setup()
    const { signal } = new AbortController()
    await hold(first, 'ann')
    const held = await inTime(
      clock,
      first.presence.hold({ signal }, { key: 'bob', value: { name: 'Bob' } }),
    )
    const holding = first.presence.hold({ signal }, { key: 'cid', value: { name: 'Cid' } })
    await settled()
    const closing = first.channels.close()
    await expect(holding).rejects.toMatchObject({ code: 'CLOSED' })
    await inTime(clock, closing)
    await expect(held.update({ name: 'Bo' })).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(hold(first, 'dan')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('bad input of hold', () => {
  const value = { name: 'x' }
  const { signal } = new AbortController()

  it('is refused', async () => {
    const { first } = setup()
    const refused = (options: HoldOptions, key: string, given = value) =>
      first.presence.hold(options, { key, value: given }).catch(({ code }) => code)
    expect(await refused({ signal: undefined }, 'ann')).toBe('INVALID_OPTION')
    expect(await refused({ signal, type: 'mutation' }, 'ann')).toBe('INVALID_OPTION')
    expect(await refused({ signal }, '')).toBe('INVALID_OPTION')
    expect(await refused({ signal }, 'k'.repeat(257))).toBe('INVALID_OPTION')
    expect(await refused({ signal }, 'ann', { name: 5 } as never)).toBe('INVALID_EVENT')
    expect(await refused({ signal }, 'ann', { name: 'x'.repeat(5_000) })).toBe('EVENT_TOO_LARGE')
  })

  it('is refused in a query and a mutation: their signals may never abort', async () => {
    const { first } = setup()
    const t = initTRPC.create()
    const { query, mutation } = t
      .router({
        query: t.procedure.query((opts) => first.presence.hold(opts, { key: 'ann', value })),
        mutation: t.procedure.mutation((opts) => first.presence.hold(opts, { key: 'ann', value })),
      })
      .createCaller({}, { signal })
    for (const call of [query, mutation])
      await expect(call()).rejects.toThrow('Call it in a subscription procedure')
    expect((await first.presence.entries()).entries).toEqual([])
  })

  it('takes any key, and a subscription that has ended', async () => {
    const { clock, first, pass } = setup()
    await inTime(clock, first.presence.hold({ signal }, { key: '__proto__', value }))
    await first.presence.hold({ signal: AbortSignal.abort() }, { key: 'gone', value })
    await pass(1)
    expect((await first.presence.entries()).entries).toEqual([['__proto__', value]])
  })

  it('needs a backend with entries', () => {
    const { change, entries, ...backend } = memoryBackend()
    const channels = createChannels({ backend, channels: { room: channel({ event: member }) } })
    expect(() => channels.room().presence).toThrow('entries')
  })
})
