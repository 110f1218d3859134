import type { Clock } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { createChaos } from '../../../../tests/support/chaos-backend.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { seededRandom } from '../../../../tests/support/seeded-random.ts'
import { memoryBackend } from '../backend/memory.ts'
import { payloadText } from '../backend/stored-bytes.ts'
import { createCodec } from '../codec/codec.ts'
import { Hub } from '../hub/hub.ts'
import { PageCache } from '../hub/page-cache.ts'
import { createReadGroup, Reads } from '../hub/reads.ts'
import { Tracer } from '../user-code/tracer.ts'
import { createCursor } from './cursor.ts'
import type { EventFeed } from './feed.ts'
import type { LiveEvent } from './live.ts'
import { LiveFeed } from './live-feed.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type Live = LiveEvent<number, number>

interface Run {
  readonly seen: Live[]
  feed: EventFeed | undefined
  paused: boolean
}

/** Simulates random publishes, trims, losses, cuts and slow loads, over an unreliable backend. */
async function simulate(seed: number) {
  const random = seededRandom(seed)
  const one = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)]
  const moving = manualClock()
  const clock = { ...moving, random }
  const log = { key: 'log', retain: { events: 12, forMs: 1e9 } }
  let store = memoryBackend({ clock })
  const chaos = createChaos(random, () => store)
  const window = { events: 16, characters: 1e6 }
  const hub = new Hub({
    tracer: new Tracer(undefined),
    log,
    backend: chaos.backend,
    codec: createCodec(undefined),
    clock,
    window,
    behind: { policy: one(['catchUp', 'latest', 'disconnect'] as const) ?? 'catchUp', events: 6 },
    ...readParts({ ...clock, random }),
    report: () => {},
  })
  const runs: Run[] = []
  const loads: Array<() => void> = []
  let last = 0
  let failures = 0

  const load = (): Promise<number> =>
    new Promise((resolve, reject) => {
      // The state is read at a random time during the load.
      loads.push(() => (random() < 0.1 ? reject(new Error('no database')) : resolve(last)))
    })
  function pull(run: Run): void {
    try {
      for (let item = run.paused ? undefined : run.feed?.next(); item; item = run.feed?.next()) {
        if (item.kind === 'gap') throw new Error('a gap was reported')
        run.seen.push((item.decoded?.value ?? JSON.parse(payloadText(item.data ?? ''))) as Live)
      }
    } catch (error) {
      if (!/no database|snapshots were loaded/.test(String(error))) throw error
      failures += 1
      reopen(run)
    }
  }
  /** Reopens at the position that the client knows. */
  function reopen(run: Run): void {
    const at = run.feed?.position()
    run.feed?.close()
    const wake = (): void => pull(run)
    run.feed = new LiveFeed({
      group: createReadGroup(),
      lastEventId: at === 'snapshot' ? undefined : at,
      open: (after, grace) =>
        createCursor(hub, after === undefined ? { replay: 0 } : { after }, {
          wake,
          clock,
          grace,
          group: createReadGroup(),
        }),
      load,
      codec: createCodec(undefined),
      wake,
    })
    queueMicrotask(wake)
  }
  async function publish(): Promise<void> {
    for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
      // The state changes first: a snapshot must include every event that was published before the
      // load.
      last += 1
      if (random() < 0.3) await settled()
      const { lastEventId: prev } = await store.read(log, { last: 1, limit: 1 })
      const { ids } = await store.append(log, [String(last)])
      chaos.notify({ id: ids[0] ?? '', prev, data: String(last) })
    }
  }
  const finishLoad = (): void => loads.splice(Math.floor(random() * loads.length), 1)[0]?.()
  const steps: Array<() => unknown> = [
    publish,
    publish,
    publish,
    () => chaos.arrive(),
    () => chaos.arrive(),
    finishLoad,
    finishLoad,
    () => moving.advance(Math.floor(random() * 500)),
    () => chaos.interrupt(),
    () => hub.check(),
    () => {
      const run: Run = { seen: [], feed: undefined, paused: false }
      runs.push(run)
      reopen(run)
    },
    () => {
      const run = one(runs)
      if (run) reopen(run)
    },
    () => {
      const run = one(runs)
      if (!run) return
      run.paused = !run.paused
      pull(run)
    },
    () => {
      if (random() > 0.1) return
      moving.advance(5)
      store = memoryBackend({ clock })
    },
  ]
  chaos.setFaults(0.3)
  for (let i = 0; i < 500; i++) {
    await one(steps)?.()
    await settled()
  }
  for (const run of runs) run.paused = false
  // The faults end. The next event reveals what was lost with the log.
  await publish()
  for (let i = 0; i < 60; i++) {
    chaos.settle()
    moving.advance(10_000)
    hub.check()
    while (loads.length > 0) finishLoad()
    for (const run of runs) pull(run)
    await settled()
  }
  return { runs, last, failures }
}

/** Follows the stream as a reducer: it may see an event again, but must never miss one. */
function fold(seen: readonly Live[]): { readonly state: number; readonly snapshots: number } {
  let state: number | undefined
  for (const { type, data } of seen) {
    if (type === 'snapshot') {
      expect(data).toBeGreaterThanOrEqual(state ?? 0)
      state = data
      continue
    }
    if (state === undefined) throw new Error('an event came before the snapshot')
    expect(data).toBeLessThanOrEqual(state + 1)
    state = Math.max(state, data)
  }
  return { state: state ?? -1, snapshots: seen.filter(({ type }) => type === 'snapshot').length }
}

/** Creates the parts that the hubs of one process share. */
function readParts(clock: Clock) {
  return { reads: new Reads({ perProcess: 4, perLog: 2 }), pageCache: new PageCache(4_000, clock) }
}

describe('live subscriptions whose backend loses, repeats, delays, trims and forgets', () => {
  const seeds = Array.from({ length: 60 }, (_, i) => i + 1)

  it('miss nothing, and end at the current state', async () => {
    let healed = 0
    for (const seed of seeds) {
      const { runs, last } = await simulate(seed)
      expect(runs.length).toBeGreaterThan(0)
      for (const { seen } of runs) {
        const { state, snapshots } = fold(seen)
        expect(state, `seed ${seed}`).toBe(last)
        healed += snapshots - 1
      }
    }
    // Snapshots did replace missing events in this simulation.
    expect(healed).toBeGreaterThan(seeds.length)
  })
})
