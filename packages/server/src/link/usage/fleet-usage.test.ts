import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../../../tests/support/manual-clock.ts'
import { inTime, settled } from '../../../../../tests/support/runs.ts'
import { seededRandom } from '../../../../../tests/support/seeded-random.ts'
import type { Backend } from '../../backend/backend.ts'
import { toEntriesBackend } from '../../backend/entries-backend.ts'
import { memoryBackend } from '../../backend/memory.ts'
import { Instances } from '../../presence/instances.ts'
import { FleetUsage } from './fleet-usage.ts'
import { KeyLimits, type OpeningConnection } from './key-limits.ts'

const defaults = {
  connectionsPerKey: 5,
  subscriptionsPerKey: 100,
  connectsPerKeyAndMinute: Number.POSITIVE_INFINITY,
}

/** Creates instances on one backend, and a clock for all of them. */
function setup({
  instances = 3,
  ...given
}: Partial<typeof defaults> & { instances?: number } = {}) {
  const clock = manualClock()
  const random = { value: 0 }
  const chance = { ...clock, random: () => (random.value = (random.value + 0.377) % 1) }
  const limits = { ...defaults, ...given }
  let backend = memoryBackend({ clock })
  let changes = 0
  const apps = Array.from({ length: instances }, () => {
    let state: 'near' | 'away' | 'hanging' = 'near'
    const reports: string[] = []
    async function reach<T>(call: (all: Backend) => T): Promise<Awaited<NonNullable<T>>> {
      if (state === 'away') throw new Error(`away ${changes}`)
      if (state === 'hanging') await new Promise(() => {})
      changes += 1
      return (await call(backend)) as Awaited<NonNullable<T>>
    }
    const reached = toEntriesBackend({
      ...backend,
      change: (...call) => reach((all) => all.change?.(...call)),
      entries: (...call) => reach((all) => all.entries?.(...call)),
    })
    const leases = new Instances({ backend: reached, clock: chance })
    const fleet = new FleetUsage({
      backend: reached,
      clock: chance,
      instances: leases,
      limits,
      link: 1,
      report: (error, stage) => reports.push(`${stage}: ${(error as Error).message}`),
    })
    const keys = new KeyLimits({ clock, limits, fleet })
    const set = (next: typeof state): void => {
      state = next
    }
    return { keys, reports, leases, set }
  })
  const app = (i: number) => apps[i] as (typeof apps)[number]

  /** Opens a stream. Resolves to it, and to the limit that refused it, if one did. */
  async function opening(at: number, key: string, subscriptions: number) {
    const connection = createConnection()
    const refusal = await app(at)
      .keys.open(connection, key, subscriptions)
      ?.then(
        () => undefined,
        (error: Error) => /\((\w+)\)/.exec(error.message)?.[1] ?? error.message,
      )
    return Object.assign(connection, { refusal })
  }
  const open = (at: number, key = 'ann', subscriptions = 1) =>
    inTime(clock, opening(at, key, subscriptions))
  async function openMany(count: number, key = 'ann') {
    const all = Array.from({ length: count }, (_, i) => opening(i % instances, key, 1))
    const opened = await inTime(clock, Promise.all(all))
    return opened.filter(({ refusal }) => refusal === undefined)
  }
  /** Lets seconds pass, one after the other. */
  async function pass(seconds: number): Promise<void> {
    for (let i = 0; i < 4 * seconds; i++) {
      clock.advance(250)
      await settled()
    }
  }
  return {
    clock,
    app,
    apps,
    open,
    openMany,
    pass,
    loseData() {
      backend = memoryBackend({ clock })
    },
    get changes() {
      return changes
    },
  }
}

function createConnection() {
  const connection: OpeningConnection & { isClosed: boolean; close(): void } = {
    isClosed: false,
    keyHold: undefined,
    close() {
      connection.isClosed = true
      connection.keyHold?.release()
    },
  }
  return connection
}

describe('a limit over the fleet', () => {
  it('is kept by three instances at 1,000 racing connects', async () => {
    const { openMany, open } = setup()
    expect(await openMany(1_000)).toHaveLength(5)
    expect((await open(0, 'bob')).refusal).toBeUndefined()
  })

  it('names itself when it refuses, after the time in which a stream may close', async () => {
    const { clock, openMany, open } = setup()
    await openMany(5)
    const atMs = clock.now()
    expect((await open(2)).refusal).toBe('connectionsPerKey')
    expect(clock.now() - atMs).toBeGreaterThanOrEqual(2_000)
  })

  it.each(['', '__proto__', 'constructor', 'k'.repeat(1_000_000), 'a b:c/d', '\ud800'])(
    'applies to any key (case %#)',
    async (key) => {
      const { openMany } = setup()
      const opened = await openMany(9, key)
      expect(opened).toHaveLength(5)
    },
  )

  it('lets a reload in, whichever instance notices the old stream, and however late', async () => {
    const { openMany, open, clock } = setup()
    const opened = await openMany(5)
    const reloads = [0, 1, 2].map((at) => open(at))
    clock.advance(1_000)
    await settled()
    for (const one of opened.slice(0, 3)) one.close()
    for (const { refusal } of await Promise.all(reloads)) expect(refusal).toBeUndefined()
    expect((await open(0)).refusal).toBe('connectionsPerKey')
  })

  it('costs one change for a connect and one for a close, if nobody else uses the key', async () => {
    const stage = setup({ instances: 1 })
    const first = await stage.open(0)
    await stage.pass(1)
    const before = stage.changes
    const second = await stage.open(0)
    expect(stage.changes - before).toBe(1)
    second.close()
    await stage.clock.advance(20)
    await settled()
    expect(stage.changes - before).toBe(2)
    first.close()
  })

  it('has heartbeats whose cost doesn’t depend on the number of connections', async () => {
    const costs = []
    for (const count of [1, 300]) {
      const stage = setup({ instances: 1, connectionsPerKey: 1_000 })
      for (let i = 0; i < count; i++) await stage.open(0, `user ${i}`)
      await stage.pass(10)
      const before = stage.changes
      await stage.pass(60)
      costs.push(stage.changes - before)
    }
    const [one = 0, many = 0] = costs
    // Two commands every two seconds.
    expect(one).toBeLessThan(90)
    expect(many).toBeLessThan(90)
  })

  it('counts connects of the last minute, also of streams that were closed at once', async () => {
    const { open, pass } = setup({ connectsPerKeyAndMinute: 4 })
    for (let i = 0; i < 4; i++) {
      const stream = await open(i % 3)
      expect(stream.refusal).toBeUndefined()
      stream.close()
      await pass(1)
    }
    expect((await open(0)).refusal).toBe('connectsPerKeyAndMinute')
    expect((await open(2)).refusal).toBe('connectsPerKeyAndMinute')
    expect((await open(2, 'bob')).refusal).toBeUndefined()
    await pass(61)
    expect((await open(1)).refusal).toBeUndefined()
  })

  it('counts subscriptions: those of the set that a stream opens with, and later ones', async () => {
    const { open, clock, pass } = setup({ subscriptionsPerKey: 5 })
    const first = await open(0, 'ann', 3)
    const second = await open(1, 'ann', 3)
    const entered = async (stream: typeof first): Promise<boolean | undefined> =>
      stream.keyHold && (await inTime(clock, Promise.resolve(stream.keyHold.enter())))
    const results = []
    for (const stream of [first, first, first, second, second, second])
      results.push(await entered(stream))
    expect(results).toEqual([true, true, true, true, true, false])
    // The refused one ends too, which frees nothing.
    second.keyHold?.leave()
    expect(await entered(second)).toBe(false)
    second.keyHold?.leave()
    first.keyHold?.leave()
    await pass(1)
    expect(await entered(second)).toBe(true)
    first.close()
    await pass(1)
    expect([await entered(second), await entered(second)]).toEqual([true, true])
    expect(await entered(second)).toBe(false)
  })

  it('forgets clients that leave while they wait', async () => {
    const { app, clock, openMany, open, pass } = setup()
    const opened = await openMany(5)
    const gone = createConnection()
    const waiting = app(0)
      .keys.open(gone, 'ann', 1)
      ?.catch((error: unknown) => error)
    clock.advance(100)
    gone.close()
    for (const one of opened) one.close()
    await inTime(clock, Promise.resolve(waiting))
    await pass(1)
    expect(await openMany(6)).toHaveLength(5)
    expect((await open(0)).refusal).toBe('connectionsPerKey')
  })
})

describe('an instance', () => {
  it('that crashes frees what it held within 15 seconds', async () => {
    const { app, openMany, open, pass } = setup()
    await openMany(5)
    app(0).set('away')
    expect((await open(1)).refusal).toBe('connectionsPerKey')
    await pass(13)
    expect((await open(1)).refusal).toBeUndefined()
    expect((await open(2)).refusal).toBeUndefined()
    expect((await open(1)).refusal).toBe('connectionsPerKey')
  })

  it('that was frozen for longer than its lease counts once, and frees nothing of others', async () => {
    const { app, openMany, open, pass } = setup()
    // Two on each of the first two instances, one on the third.
    const held = await openMany(5)
    app(0).set('hanging')
    await pass(15)
    const instead = [await open(1), await open(2)]
    expect(instead.map(({ refusal }) => refusal)).toEqual([undefined, undefined])
    app(0).set('near')
    await pass(15)
    // Seven are open. Three must leave before the next one has room.
    for (const one of held.slice(1, 3)) one.close()
    await pass(1)
    expect((await open(0)).refusal).toBe('connectionsPerKey')
    for (const one of instead) one.close()
    await pass(1)
    expect((await open(0)).refusal).toBeUndefined()
    expect((await open(1)).refusal).toBeUndefined()
    expect((await open(1)).refusal).toBe('connectionsPerKey')
  })
})

describe.each(['away', 'hanging'] as const)('while the backend is %s', (state) => {
  it('the limits of each process hold, the app is told once, and connects don’t wait', async () => {
    const { app, apps, clock, open, pass } = setup()
    await open(0, 'bob')
    await open(1, 'bob')
    for (const each of apps) each.set(state)
    await open(0)
    await pass(30)
    const atMs = clock.now()
    expect((await open(0)).refusal).toBeUndefined()
    expect(clock.now() - atMs).toBeLessThan(100)
    await open(1)
    for (const i of [0, 1])
      expect(app(i).reports).toEqual([expect.stringMatching(/^limits: .*backend is away/)])
  })

  it('streams are counted once it is back, and the next outage is reported again', async () => {
    const { app, apps, open, pass } = setup()
    await open(0, 'bob')
    for (const each of apps) each.set(state)
    const during = [await open(0), await open(0), await open(1), await open(1)]
    await pass(20)
    for (const each of apps) each.set('near')
    await pass(15)
    expect((await open(2)).refusal).toBeUndefined()
    expect((await open(2)).refusal).toBe('connectionsPerKey')
    during[0]?.close()
    await pass(1)
    expect((await open(1)).refusal).toBeUndefined()
    app(0).set(state)
    await pass(15)
    expect(app(0).reports).toHaveLength(2)
  })
})

describe('a backend that lost its data', () => {
  it('has the numbers again within seconds', async () => {
    const { openMany, open, pass, loseData } = setup()
    await openMany(5)
    loseData()
    await pass(5)
    expect((await open(1)).refusal).toBe('connectionsPerKey')
  })
})

/** Does things at random to three instances. Resolves to the room that is left in the end. */
async function misuse(seed: number) {
  const stage = setup()
  const random = seededRandom(seed)
  const pick = (count: number): number => Math.floor(random() * count)
  const held: Awaited<ReturnType<typeof stage.open>>[] = []
  for (let step = 0; step < 40; step++) {
    const at = pick(3)
    const dice = pick(20)
    if (dice < 8) {
      const stream = await stage.open(at)
      if (stream.refusal === undefined) held.push(stream)
    } else if (dice < 14) held.splice(pick(held.length), 1)[0]?.close()
    else if (dice < 16) stage.app(at).set(pick(2) === 0 ? 'away' : 'hanging')
    else if (dice < 18) stage.app(at).set('near')
    else if (dice < 19) await stage.pass(pick(15))
    else if (pick(4) === 0) stage.loseData()
  }
  for (const { set } of stage.apps) set('near')
  await stage.pass(40)
  const opened = await stage.openMany(12)
  const room = Math.max(0, defaults.connectionsPerKey - held.length)
  return { seed, opened: opened.length, room }
}

it('exactly the open connections are counted in the end, whatever happens. 200 seeds', async () => {
  for (let seed = 0; seed < 200; seed++) {
    const { opened, room } = await misuse(seed)
    expect({ seed, opened }).toEqual({ seed, opened: room })
  }
}, 60_000)
