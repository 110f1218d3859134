import { shortHash } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { fakeDevice } from '../../../../tests/support/fake-device.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { event, multiplexedClient, nextSet } from '../../../../tests/support/multiplexed.ts'
import { scriptedServer } from '../../../../tests/support/scripted-server.ts'
import { PersistedPositions } from './persisted-positions.ts'
import type { PersistStorage } from './positions.ts'

/** A storage that counts its calls, and can be full. */
function fakeStorage() {
  const items = new Map<string, string>()
  const storage = {
    items,
    writes: 0,
    isFull: false,
    getItem: (name: string) => items.get(name) ?? null,
    setItem(name: string, value: string) {
      if (storage.isFull) throw new Error('QuotaExceededError')
      storage.writes++
      items.set(name, value)
    },
    removeItem: (name: string) => void items.delete(name),
  }
  return storage
}

function page(storage: PersistStorage, { clock = manualClock(), url = '/trpc' } = {}) {
  const device = fakeDevice()
  const positions = new PersistedPositions({
    clock,
    device,
    storage,
    url,
    forMs: 60_000,
    hash: shortHash,
  })
  return {
    clock,
    device,
    load: (identity: string) => positions.load(identity),
    save: (identity: string, id: string | undefined) => positions.save(identity, id),
  }
}

describe('positions', () => {
  it('survive the page, and belong to one server', () => {
    const storage = fakeStorage()
    const before = page(storage)
    before.save('a', '1-0')
    before.save('b', '2-0')
    before.device.dispatch('left')
    const after = page(storage)
    expect([after.load('a'), after.load('b'), after.load('c')]).toEqual(['1-0', '2-0', undefined])
    expect(page(storage, { url: '/other' }).load('a')).toBeUndefined()
  })

  it('are written rarely, and at once when the page is hidden or left', () => {
    const storage = fakeStorage()
    const { clock, device, save, load } = page(storage)
    for (let n = 0; n < 1_000; n++) save('a', `${n}-0`)
    expect([storage.writes, load('a')]).toEqual([0, '999-0'])
    clock.advance(500)
    expect(storage.writes).toBe(1)
    save('a', '1000-0')
    device.dispatch('hidden')
    expect([storage.writes, clock.timers()]).toEqual([2, []])
    expect(page(storage).load('a')).toBe('1000-0')
  })

  it('are forgotten when their subscriptions end, and the item is removed with the last one', () => {
    const storage = fakeStorage()
    const { clock, save } = page(storage)
    save('a', '1-0')
    clock.advance(500)
    save('a', undefined)
    clock.advance(500)
    expect(storage.items.size).toBe(0)
  })

  it('need no listener before the first of them, nor after the last is forgotten', () => {
    const storage = fakeStorage()
    const { clock, device, save } = page(storage)
    expect(device.listeners()).toBe(0)
    save('a', '1-0')
    clock.advance(500)
    expect(device.listeners()).toBe(1)
    save('a', undefined)
    // The listener stays until the change is written, because the page may be left at once.
    expect(device.listeners()).toBe(1)
    clock.advance(500)
    expect([device.listeners(), storage.items.size]).toEqual([0, 0])
  })

  it('are valid for a limited time', () => {
    const storage = fakeStorage()
    const { clock, save } = page(storage)
    save('a', '1-0')
    clock.advance(30_000)
    save('b', '2-0')
    clock.advance(30_000)
    const after = page(storage, { clock })
    expect([after.load('a'), after.load('b')]).toEqual([undefined, '2-0'])
  })

  it('are renewed when the page is left, however long ago they moved', () => {
    const storage = fakeStorage()
    const { clock, device, save } = page(storage)
    save('a', '1-0')
    clock.advance(3_600_000)
    device.dispatch('left')
    expect(page(storage, { clock }).load('a')).toBe('1-0')
  })

  it('are 100, those that moved last, with ids of a sane length', () => {
    const storage = fakeStorage()
    const { clock, save } = page(storage)
    save('long', 'x'.repeat(1_025))
    for (let n = 0; n < 150; n++) save(`s${n}`, `${n}-0`)
    clock.advance(500)
    const { load } = page(storage)
    expect([load('long'), load('s49'), load('s50'), load('s149')]).toEqual([
      undefined,
      undefined,
      '50-0',
      '149-0',
    ])
  })

  it.each(['', 'not JSON', '{}', 'null', '[null,1,["a"],["a",1,2],["a","1-0","now"]]'])(
    'ignore %j in the storage, and replace it',
    (item) => {
      const storage = fakeStorage()
      page(storage).save('a', '1-0')
      const first = page(storage)
      first.save('a', '1-0')
      first.clock.advance(500)
      const [name = ''] = storage.items.keys()
      storage.items.set(name, item)
      const { clock, load, save } = page(storage)
      expect(load('a')).toBeUndefined()
      save('a', '2-0')
      clock.advance(500)
      expect(page(storage).load('a')).toBe('2-0')
    },
  )

  it('do no harm if the storage throws', () => {
    const storage = fakeStorage()
    storage.isFull = true
    const { clock, save, load } = page(storage)
    save('a', '1-0')
    clock.advance(500)
    expect(load('a')).toBeUndefined()
    const denied = (): never => {
      throw new Error('SecurityError')
    }
    const none = page({ getItem: denied, setItem: denied, removeItem: denied })
    none.save('a', undefined)
    none.clock.advance(500)
    expect(none.load('a')).toBeUndefined()
  })
})

describe('persist', () => {
  it.each(['multiplexed', 'single'] as const)(
    'continues after a reload from its position, in %s mode',
    async (mode) => {
      await using server = await scriptedServer()
      const persist = fakeStorage()
      const device = fakeDevice()
      const before = multiplexedClient(server, { mode, persist, device })
      const a = before.follow('a', 1)
      if (mode === 'single') (await server.request()).open().send({ data: '1', id: '1-0' })
      else (await nextSet(server)).open('one', 'a').events('a', 1)
      expect((await a.nextMany(4)).at(-1)).toEqual(event(1))
      device.dispatch('left')
      const after = multiplexedClient(server, { mode, persist })
      after.follow('a', 2)
      if (mode === 'single') {
        expect((await server.request()).query.has('lastEventId')).toBe(false)
        after.follow('a', 1)
        expect((await server.request()).query.get('lastEventId')).toBe('1-0')
      } else {
        after.follow('a', 1).unsubscribe()
        after.follow('a', 1)
        expect((await nextSet(server)).wanted).toEqual([
          { path: 'a', input: 2 },
          { path: 'a', input: 1, lastEventId: '1-0' },
        ])
      }
    },
  )

  it.each(['multiplexed', 'single', 'unknown'] as const)(
    'is not used if the context requests a new start (%s)',
    async (mode) => {
      await using server = await scriptedServer()
      const persist = fakeStorage()
      const before = page(persist, { url: server.url })
      before.save('["a",null]', '7-0')
      before.device.dispatch('left')
      const { follow } = multiplexedClient(server, {
        mode: mode === 'single' ? 'single' : 'multiplexed',
        persist,
        onFallback: () => {},
      })
      follow('a', undefined, { context: { lastEventId: '' } })
      if (mode !== 'single') {
        const set = await nextSet(server)
        expect(set.wanted).toEqual([{ path: 'a' }])
        if (mode === 'multiplexed') return
        set.exchange.answer(404)
      }
      expect((await server.request()).query.has('lastEventId')).toBe(false)
    },
  )

  it("keeps positions that don't move, across the change to single mode", async () => {
    await using server = await scriptedServer()
    const persist = fakeStorage()
    const { follow, clock } = multiplexedClient(server, { persist, onFallback: () => {} })
    const a = follow('a', { lastEventId: '7-0' })
    const set = await nextSet(server)
    set.exchange.answer(404)
    const single = await server.request()
    single.open()
    await a.nextMany(3)
    clock.advance(500)
    const after = multiplexedClient(server, { mode: 'single', persist })
    after.follow('a')
    expect((await server.request()).query.get('lastEventId')).toBe('7-0')
  })

  it('forgets subscriptions that are complete or unsubscribed', async () => {
    await using server = await scriptedServer()
    const persist = fakeStorage()
    const { follow, clock } = multiplexedClient(server, { persist })
    const [a, b] = [follow('a'), follow('b')]
    const set = await nextSet(server)
    set.open('one', 'a', 'b').events('a', 1).events('b', 1)
    await Promise.all([a.nextMany(4), b.nextMany(4)])
    clock.advance(500)
    expect(persist.items.size).toBe(1)
    set.say('$stopped', 'a')
    await a.nextMany(3)
    b.unsubscribe()
    clock.advance(750)
    expect(persist.items.size).toBe(0)
  })
})
