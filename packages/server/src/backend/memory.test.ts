import { type Clock, eventTimeMs, systemClock } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { type BackendCaseContext, backendCases, isRunnable } from '../testing/index.ts'
import type { ChannelLog } from './backend.ts'
import { memoryBackend } from './memory.ts'

function createContext(): BackendCaseContext {
  let backend = memoryBackend()
  let keys = 0
  return {
    createBackend: async () => backend,
    uniqueKey: () => `log ${keys++}`,
    async loseEverything() {
      backend = memoryBackend()
    },
  }
}

describe('memoryBackend', () => {
  for (const backendCase of backendCases) {
    const context = createContext()
    it.runIf(isRunnable(backendCase, context))(`${backendCase.id}: ${backendCase.name}`, () =>
      backendCase.run(context),
    )
  }
})

const dayMs = 86_400_000
const startMs = 1_800_000_000_000
const log: ChannelLog = { key: 'log', retain: { events: 100, forMs: dayMs } }

/** A clock whose time the test sets. */
function createSetClock(): Clock & { set(nowMs: number): void } {
  let nowMs = startMs
  return {
    after: systemClock.after,
    random: () => 0,
    now: () => nowMs,
    set(ms) {
      nowMs = ms
    },
  }
}

describe('memoryBackend with a clock', () => {
  it('creates ascending ids even when the clock is set back', async () => {
    const clock = createSetClock()
    const backend = memoryBackend({ clock })
    await backend.append(log, ['1', '2'])
    clock.set(startMs - dayMs)
    await backend.append(log, ['3'])
    clock.set(startMs + 1)
    await backend.append(log, ['4'])
    const { events } = await backend.read(log, { after: '0-0', limit: 10 })
    expect(events.map(({ id }) => id)).toEqual([
      `${startMs}-1`,
      `${startMs}-2`,
      `${startMs}-3`,
      `${startMs + 1}-0`,
    ])
  })

  it('gives the first event an id greater than the log’s origin, even if the clock was set back', async () => {
    const clock = createSetClock()
    const backend = memoryBackend({ clock })
    const { lastEventId: origin } = await backend.read(log, { last: 1, limit: 1 })
    clock.set(startMs - 5 * dayMs)
    await backend.append(log, ['1'])
    const { events } = await backend.read(log, { after: origin, limit: 10 })
    expect(events).toMatchObject([{ prev: origin, data: '1' }])
  })

  it('keeps an event for exactly `forMs`', async () => {
    const clock = createSetClock()
    const backend = memoryBackend({ clock })
    await backend.append(log, ['1'])
    clock.set(startMs + dayMs)
    expect((await backend.read(log, { last: 9, limit: 9 })).events).toHaveLength(1)
    clock.set(startMs + dayMs + 1)
    expect((await backend.read(log, { last: 9, limit: 9 })).events).toHaveLength(0)
  })

  it('keeps an idempotency key for five minutes', async () => {
    const clock = createSetClock()
    const backend = memoryBackend({ clock })
    const append = () => backend.append(log, ['1'], { idempotencyKey: 'key' })
    await append()
    clock.set(startMs + 299_999)
    expect((await append()).duplicate).toBe(true)
    clock.set(startMs + 300_000)
    expect((await append()).duplicate).toBe(false)
  })

  it('remembers the last id for 30 days after the events, and then starts a new log', async () => {
    const clock = createSetClock()
    const backend = memoryBackend({ clock })
    const { ids } = await backend.append(log, ['1'])
    const useAnother = async (fromMs: number) => {
      for (let i = 0; i < 3; i++) {
        clock.set(fromMs + i)
        await backend.read({ ...log, key: 'another' }, { last: 1, limit: 1 })
      }
    }
    await useAnother(startMs + 31 * dayMs - 2)
    const expired = { events: [], lastEventId: ids[0], trimmed: true }
    expect(await backend.read(log, { last: 9, limit: 9 })).toEqual(expired)

    await useAnother(startMs + 62 * dayMs + 1)
    const { lastEventId } = await backend.read(log, { last: 9, limit: 9 })
    expect(eventTimeMs(lastEventId)).toBe(clock.now())
  })

  it('forgets an empty log ten minutes after its last use, unless it has a listener', async () => {
    const clock = createSetClock()
    const backend = memoryBackend({ clock: { ...clock, random: Math.random } })
    const originOf = async (key: string) =>
      (await backend.read({ ...log, key }, { last: 0, limit: 1 })).lastEventId
    const keys = ['read', 'left', 'listened']
    const before = await Promise.all(keys.map(originOf))
    await backend.listen({ ...log, key: 'listened' }, { onEvent() {}, onInterrupted() {} })
    clock.set(startMs + 599_999)
    expect(await originOf('read')).toBe(before[0])
    for (let i = 0; i < 9; i++) {
      clock.set(startMs + 600_002 + i)
      await originOf(`another ${i}`)
    }
    const after = await Promise.all(keys.map(originOf))
    expect(after).toEqual([before[0], expect.not.stringMatching(before[1] ?? ''), before[2]])
  })

  it('remembers a log while it has a listener', async () => {
    const clock = createSetClock()
    const backend = memoryBackend({ clock })
    const { ids } = await backend.append(log, ['1'])
    await backend.listen(log, { onEvent() {}, onInterrupted() {} })
    clock.set(startMs + 365 * dayMs)
    for (let i = 0; i < 9; i++)
      await backend.read({ ...log, key: `another ${i}` }, { last: 1, limit: 1 })
    expect((await backend.read(log, { last: 9, limit: 9 })).lastEventId).toBe(ids[0])
  })

  it('calls listeners only after append has returned, so that they can publish', async () => {
    const backend = memoryBackend()
    const heard: string[] = []
    await backend.listen(log, { onEvent: ({ data }) => void heard.push(data), onInterrupted() {} })
    const appending = backend.append(log, ['1'])
    expect(heard).toEqual([])
    await appending
    expect(heard).toEqual(['1'])
  })
})
