import type { EventId } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../tests/support/manual-clock.ts'
import { seededRandom } from '../../../tests/support/seeded-random.ts'
import type { Backend, LogListener, StoredEvent } from './backend.ts'
import { createCodec } from './codec.ts'
import { type CursorStart, createCursor, type Feed } from './cursor.ts'
import { createHub, type Hub } from './hub.ts'
import type { Gap } from './log-event.ts'
import { memoryBackend } from './memory-backend.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A backend that loses, repeats and delays what it can, on top of a real one. */
function createChaos(random: () => number, inner: () => Backend) {
  const listeners = new Set<LogListener>()
  const hints: StoredEvent[] = []
  const answers: Array<() => void> = []
  let faults = 0

  const perhapsFail = (): void => {
    if (random() < faults / 2) throw new Error('chaos: no answer')
  }
  const late = async <T>(result: Promise<T>): Promise<T> => {
    perhapsFail()
    if (random() < faults) await new Promise<void>((resolve) => answers.push(resolve))
    return await result
  }
  const hint = (event: StoredEvent): void => {
    for (const listener of listeners) listener.onEvent(event)
  }

  const backend: Backend = {
    append: (log, payloads) => inner().append(log, payloads),
    read: (log, range) => late(inner().read(log, range)),
    async listen(_log, listener) {
      perhapsFail()
      listeners.add(listener)
      return async () => void listeners.delete(listener)
    },
    close: async () => {},
  }
  return {
    backend,
    setFaults(share: number) {
      faults = share
    },
    /** Tells of an event: now, later, twice, or never. */
    notify(event: StoredEvent) {
      if (random() < faults / 2) return
      if (random() < faults) hints.push(event)
      else hint(event)
      if (random() < faults / 2) hints.push(event)
    },
    /** Lets something late arrive, in no particular order. */
    arrive() {
      const from = random() < 0.5 ? hints : answers
      const [one] = from.splice(Math.floor(random() * from.length), 1)
      if (typeof one === 'function') one()
      else if (one) hint(one)
    },
    interrupt() {
      for (const listener of listeners) listener.onInterrupted()
    },
    settle() {
      faults = 0
      while (answers.length + hints.length > 0) this.arrive()
    },
  }
}

interface Run {
  readonly seen: Array<StoredEvent | Gap>
  feed: Feed | undefined
  paused: boolean
}

async function simulate(seed: number, { losing }: { losing: boolean }) {
  const random = seededRandom(seed)
  const clock = manualClock()
  const log = { key: 'log', retain: { events: losing ? 20 : 100_000, forMs: 1e9 } }
  let store = memoryBackend({ clock: { ...clock, random } })
  const chaos = createChaos(random, () => store)
  const stored = new Map<EventId, StoredEvent>()
  const hub: Hub = createHub({
    log,
    backend: chaos.backend,
    codec: createCodec(undefined),
    clock: { ...clock, random },
    window: { events: 16, characters: 1e6 },
    behind: { policy: 'catchUp', events: 1_000 },
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
      // The log is emptied; its clock never steps back far enough to make an id again.
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
  // The faults end: everybody gets to the end of the log.
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

/** Checks the promise for one reader: contiguous but for its gaps, each event once, in order. */
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

describe('a hub whose backend loses, repeats, delays and fails', () => {
  const seeds = Array.from({ length: 40 }, (_, i) => i + 1)

  it.each(seeds)('gives each reader every event once and in order, without a gap (seed %i)', async (seed) => {
    const { runs, end } = await simulate(seed, { losing: false })
    expect(runs.length).toBeGreaterThan(0)
    for (const { seen, feed } of runs) {
      check(seen)
      expect(seen.filter((item) => 'kind' in item)).toEqual([])
      expect(feed?.position()).toBe(end)
    }
  })

  it.each(seeds)('marks exactly what is lost when the log is trimmed or emptied (seed %i)', async (seed) => {
    const { runs, end } = await simulate(seed, { losing: true })
    for (const { seen, feed } of runs) {
      check(seen)
      const numbers = seen.flatMap((item) => ('kind' in item ? [] : [Number(item.data)]))
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      expect(feed?.position()).toBe(end)
      // Two gaps in a row would be one gap told twice, unless the log was lost twice.
      for (const item of seen) if ('kind' in item) expect(item.position).not.toBe(item.lastEventId)
    }
  })
})
