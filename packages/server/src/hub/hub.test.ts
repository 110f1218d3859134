import type { Clock, EventId } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { createChaos } from '../../../../tests/support/chaos-backend.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { seededRandom } from '../../../../tests/support/seeded-random.ts'
import type { StoredEvent } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createCodec } from '../codec/codec.ts'
import { type CursorStart, createCursor } from '../subscription/cursor.ts'
import type { EventFeed, Gap } from '../subscription/feed.ts'
import { Tracer } from '../user-code/tracer.ts'
import { Hub } from './hub.ts'
import { PageCache } from './page-cache.ts'
import { createReadGroup, Reads } from './reads.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Run {
  readonly seen: Array<StoredEvent | Gap>
  feed: EventFeed | undefined
  paused: boolean
}

async function simulate(seed: number, { losing }: { losing: boolean }) {
  const random = seededRandom(seed)
  const clock = manualClock()
  const log = { key: 'log', retain: { events: losing ? 20 : 100_000, forMs: 1e9 } }
  let store = memoryBackend({ clock: { ...clock, random } })
  const chaos = createChaos(random, () => store)
  const stored = new Map<EventId, StoredEvent>()
  const hub = new Hub({
    tracer: new Tracer(undefined),
    log,
    backend: chaos.backend,
    codec: createCodec(undefined),
    clock: { ...clock, random },
    window: { events: 16, characters: 1e6 },
    behind: { policy: 'catchUp', events: 1_000 },
    ...readParts({ ...clock, random }),
    report: () => {},
  })
  const runs: Run[] = []
  let number = 0

  const pull = (run: Run): void => {
    for (let item = run.paused ? undefined : run.feed?.next(); item; item = run.feed?.next()) {
      run.seen.push(item.kind === 'gap' ? item : (stored.get(item.id) as StoredEvent))
    }
  }
  const open = (run: Run, start: CursorStart): void => {
    run.feed = createCursor(hub, start, {
      wake: () => pull(run),
      clock: { ...clock, random },
      group: createReadGroup(),
    })
    pull(run)
  }
  const publish = async (): Promise<void> => {
    const payloads = Array.from({ length: 1 + Math.floor(random() * 3) }, () => String(++number))
    let { lastEventId: prev } = await store.read(log, { last: 1, limit: 1 })
    const { ids } = await store.append(log, payloads)
    for (const [i, id] of ids.entries()) {
      const event = { id, prev, data: payloads[i] ?? '' }
      stored.set(id, event)
      chaos.notify(event)
      prev = id
    }
  }
  const steps: Array<() => unknown> = [
    publish,
    publish,
    publish,
    () => chaos.arrive(),
    () => chaos.arrive(),
    () => clock.advance(Math.floor(random() * 500)),
    () => chaos.interrupt(),
    () => hub.check(),
    () => {
      const run: Run = { seen: [], feed: undefined, paused: false }
      runs.push(run)
      open(run, { replay: random() < 0.5 ? 0 : 3 })
    },
    () => {
      const run = runs[Math.floor(random() * runs.length)]
      const id = run?.feed?.position()
      if (!run || id === undefined) return
      run.feed?.close()
      open(run, { after: id })
    },
    () => {
      const run = runs[Math.floor(random() * runs.length)]
      if (!run) return
      run.paused = !run.paused
      pull(run)
    },
    () => {
      // The log loses its events. The clock has advanced, so the log repeats no id.
      if (!losing || random() > 0.1) return
      clock.advance(5)
      store = memoryBackend({ clock: { ...clock, random } })
    },
  ]
  chaos.setFaults(0.3)
  for (let i = 0; i < 400; i++) {
    await steps[Math.floor(random() * steps.length)]?.()
    await settled()
  }
  // Without faults, every reader reaches the end of the log.
  for (let i = 0; i < 20; i++) {
    chaos.settle()
    clock.advance(10_000)
    hub.check()
    await settled()
  }
  for (const run of runs) {
    run.paused = false
    pull(run)
  }
  for (let i = 0; i < 50; i++) await settled()
  const end = await store.read(log, { last: 1, limit: 1 })
  return { runs, end: end.lastEventId, stored }
}

/** Checks the guarantees for one reader: each event once, in order, contiguous except for gaps. */
function check(seen: Run['seen']): void {
  let at: EventId | undefined
  const ids = new Set<EventId>()
  for (const item of seen) {
    if ('kind' in item) {
      if (at !== undefined) expect(item.lastEventId).toBe(at)
      at = item.position
      continue
    }
    if (at !== undefined) expect(item.prev).toBe(at)
    expect(ids.has(item.id)).toBe(false)
    ids.add(item.id)
    at = item.id
  }
}

/** Creates the parts that the hubs of one process share. */
function readParts(clock: Clock) {
  return { reads: new Reads({ perProcess: 4, perLog: 2 }), pageCache: new PageCache(4_000, clock) }
}

describe('a hub whose backend loses, repeats, delays and fails', () => {
  const seeds = Array.from({ length: 40 }, (_, i) => i + 1)

  it.each(seeds)(
    'gives each reader every event once and in order, without a gap (seed %i)',
    async (seed) => {
      const { runs, end } = await simulate(seed, { losing: false })
      expect(runs.length).toBeGreaterThan(0)
      for (const { seen, feed } of runs) {
        check(seen)
        expect(seen.filter((item) => 'kind' in item)).toEqual([])
        expect(feed?.position()).toBe(end)
      }
    },
  )

  it.each(seeds)(
    'marks exactly what is lost when the log is trimmed or emptied (seed %i)',
    async (seed) => {
      const { runs, end } = await simulate(seed, { losing: true })
      for (const { seen, feed } of runs) {
        check(seen)
        const numbers = seen.flatMap((item) => ('kind' in item ? [] : [Number(item.data)]))
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
        expect(feed?.position()).toBe(end)
        // An empty gap would mean that one gap was reported twice.
        for (const item of seen)
          if ('kind' in item) expect(item.position).not.toBe(item.lastEventId)
      }
    },
  )
})

describe('an event that is published right after a hub has opened', () => {
  const log = { key: 'log', retain: { events: 1_000, forMs: 1e9 } }

  function setup() {
    const clock = manualClock()
    const backend = memoryBackend({ clock })
    const hub = new Hub({
      tracer: new Tracer(undefined),
      log,
      backend,
      codec: createCodec(undefined),
      clock,
      window: { events: 64, characters: 1e6 },
      behind: { policy: 'catchUp', events: 1_000 },
      ...readParts(clock),
      report: () => {},
    })
    const open = (start: CursorStart): EventFeed =>
      createCursor(hub, start, { wake() {}, clock, group: createReadGroup() })
    return { hub, open, publish: (...data: string[]) => backend.append(log, data) }
  }

  async function read(feed: EventFeed): Promise<string[]> {
    const seen: string[] = []
    for (let quiet = 0; quiet < 5; quiet++) {
      for (let item = feed.next(); item; item = feed.next())
        seen.push(item.kind === 'gap' ? 'gap' : `${item.data}`)
      await settled()
    }
    return seen
  }

  it.each([
    ['nothing', { replay: 0 }, ['1', '2', '3']],
    ['the newest event', { replay: 1 }, ['1', '2', '3']],
    ['more than was published', { replay: 5 }, ['0', '1', '2', '3']],
    ['all', { replay: Number.MAX_SAFE_INTEGER }, ['0', '1', '2', '3']],
  ])(
    'isn’t missed by a reader that was opened before, replays %s, and reads only now',
    async (_, start, expected) => {
      const { hub, open, publish } = setup()
      await publish('0')
      const early = open(start)
      await hub.opening
      const late = open(start)
      await publish('1')
      await publish('2', '3')
      for (const feed of [early, late])
        expect((await read(feed)).slice(-expected.length)).toEqual(expected)
      for (const feed of [early, late]) feed.close()
      expect(hub.openingReaders.size).toBe(0)
    },
  )
})
