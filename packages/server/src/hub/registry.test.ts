import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createCodec } from '../codec/codec.ts'
import { Tracer } from '../user-code/tracer.ts'
import { PageCache } from './page-cache.ts'
import { Reads } from './reads.ts'
import { HubRegistry } from './registry.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Creates hubs with a time of day that can be set, and counts the reads of their backend. */
function setup() {
  const manual = manualClock()
  let setByMs = 0
  const clock = {
    ...manual,
    now: () => manual.now() + setByMs,
    monotonicMs: manual.now,
    random: () => 0.5,
  }
  const backend = memoryBackend({ clock })
  const reads = { count: 0 }
  const hubs = new HubRegistry({
    tracer: new Tracer(undefined),
    backend: {
      ...backend,
      read(...call) {
        reads.count += 1
        return backend.read(...call)
      },
    },
    reads: new Reads({ perProcess: 4, perLog: 2 }),
    pageCache: new PageCache(4_000, clock),
    maxOpen: 10,
    codec: createCodec(undefined),
    clock,
    report() {},
    window: { events: 16, characters: 1e6 },
    lingerMs: 5_000,
    positionCheckMs: 30_000,
  })
  const log = { key: 'log', retain: { events: 10, forMs: 1e9 } }
  const withEntries = { ...log, key: 'with entries', entries: { checkMs: 10_000 } }
  return {
    backend,
    withEntries,
    openWithEntries: () => hubs.get(withEntries, { policy: 'catchUp', events: 1_000 }),
    clock: manual,
    hubs,
    reads,
    open: () => hubs.get(log, { policy: 'catchUp', events: 1_000 }),
    isOpen: () => hubs.find(log.key) !== undefined,
    setTime(byMs: number) {
      setByMs = byMs
    },
  }
}

describe.each([3_600_000, -3_600_000])('with the time of day set by %i ms, a hub', (byMs) => {
  it('without readers is closed after exactly lingerMs', async () => {
    const s = setup()
    s.open()
    await settled()
    s.clock.advance(1_000)
    s.setTime(byMs)
    s.clock.advance(4_000)
    expect(s.isOpen()).toBe(true)
    s.clock.advance(1_000)
    expect(s.isOpen()).toBe(false)
    await s.hubs.close()
  })

  it('with readers is compared with its log exactly when that is due', async () => {
    const s = setup()
    const hub = s.open()
    hub.attach(() => {})
    await settled()
    const before = s.reads.count
    s.setTime(byMs)
    s.clock.advance(29_000)
    await settled()
    expect(s.reads.count).toBe(before)
    s.clock.advance(1_000)
    await settled()
    expect(s.reads.count).toBe(before + 1)
    await s.hubs.close()
  })
})

describe('a hub of a log with entries', () => {
  async function openOne() {
    const s = setup()
    const hub = s.openWithEntries()
    hub.attach(() => {})
    await settled()
    const advance = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        s.clock.advance(1_000)
        await settled()
      }
    }
    const set = (forMs: number) =>
      s.backend.change?.(s.withEntries, {
        set: [{ key: 'lease', value: '', forMs, onExpiry: '"expired"' }],
      })
    return { ...s, hub, advance, set }
  }

  it('learns within checkMs that an entry expires, and gets its event on time', async () => {
    const { hub, advance, set, reads } = await openOne()
    await set(14_000)
    await advance(10_000)
    expect(reads.count).toBe(2)
    expect(hub.window?.end).toBe(hub.window?.start)
    await advance(4_000)
    expect(hub.window?.at(hub.window.end - 1)).toMatchObject({ kind: 'event', data: '"expired"' })
    expect(reads.count).toBe(3)
  })

  it('reads a renewed entry no more often than the entry would have expired', async () => {
    const { advance, set, reads } = await openOne()
    for (let renewed = 0; renewed < 10; renewed++) {
      await set(12_000)
      await advance(4_000)
    }
    // At checkMs, and then each time that the known lease would have ended.
    expect(reads.count).toBeLessThanOrEqual(6)
  })
})
