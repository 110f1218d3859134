import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../../../tests/support/manual-clock.ts'
import { inTime } from '../../../../../tests/support/runs.ts'
import type { Backend } from '../../backend/backend.ts'
import { memoryBackend } from '../../backend/memory.ts'
import { createChannels } from '../../channels.ts'
import { createRateLimiter, type RateLimiterOptions } from './rate-limiter.ts'

function setup(given: Partial<RateLimiterOptions> = {}) {
  const clock = manualClock()
  const backend = memoryBackend({ clock })
  const store = { state: 'near' as 'near' | 'away' | 'hanging', changes: 0 }
  const reports: string[] = []
  const change: Backend['change'] = async (...call) => {
    store.changes += 1
    if (store.state === 'away') throw new Error('away')
    if (store.state === 'hanging') await new Promise(() => {})
    return (await backend.change?.(...call)) as never
  }
  const limiters = [0, 1].map(() => {
    const channels = createChannels({
      backend: { ...backend, change },
      clock,
      channels: {},
      onError: (error, { stage }) => reports.push(`${stage}: ${(error as Error).message}`),
    })
    return createRateLimiter({ channels, name: 'publish', perMinute: 10, ...given })
  })
  /** Takes in turns from both instances. Resolves to how many calls were accepted. */
  async function take(times: number, key = 'ann', count?: number): Promise<number> {
    const all = Array.from({ length: times }, (_, i) => limiters[i % 2]?.take(key, count))
    const results = await inTime(clock, Promise.allSettled(all))
    return results.filter(({ status }) => status === 'fulfilled').length
  }
  return { clock, store, reports, take, limiters }
}

describe('a rate limiter', () => {
  it('counts over the fleet, in any minute, also for racing calls', async () => {
    const { clock, take } = setup()
    expect(await take(1_000)).toBe(10)
    expect(await take(10, 'bob')).toBe(10)
    clock.advance(59_000)
    expect(await take(1)).toBe(0)
    clock.advance(1_000)
    expect(await take(20)).toBe(10)
  })

  it('takes many at a time, or none', async () => {
    const { take } = setup()
    expect(await take(1, 'ann', 8)).toBe(1)
    expect(await take(1, 'ann', 3)).toBe(0)
    expect(await take(1, 'ann', 2)).toBe(1)
    expect(await take(1, 'bob', 11)).toBe(0)
  })

  it('costs few commands for racing calls, however many are refused', async () => {
    const { take, store } = setup()
    await take(1_000)
    expect(store.changes).toBeLessThan(40)
  })

  it('counts in each process, if that is its scope', async () => {
    const { take, store } = setup({ scope: 'process' })
    expect(await take(100)).toBe(20)
    expect(store.changes).toBe(0)
  })

  it.each(['', '__proto__', 'k'.repeat(1_000_000)])('takes any key (case %#)', async (key) => {
    const { take } = setup()
    expect(await take(20, key)).toBe(10)
  })

  it.each(['away', 'hanging'] as const)(
    'counts in each process while the backend is %s, and reports it once',
    async (state) => {
      const { clock, store, take, reports } = setup()
      expect(await take(4)).toBe(4)
      store.state = state
      // Two of the four were counted in each process.
      expect(await take(100)).toBe(16)
      clock.advance(10_000)
      await take(10)
      expect(reports).toEqual(
        Array.from({ length: 2 }, () => expect.stringMatching(/^limits: .*backend is away/)),
      )
      store.state = 'near'
      clock.advance(60_000)
      await take(2, 'bob')
      expect(await take(30)).toBe(10)
    },
  )

  it.each([0, -1, 1.5, Number.NaN, 10_001])('refuses %d per minute', (perMinute) => {
    expect(() => setup({ perMinute })).toThrow('perMinute is')
  })

  it.each([0, -1, 0.5, Number.NaN])('refuses to take %d', async (count) => {
    const { limiters } = setup()
    await expect(limiters[0]?.take('ann', count)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  it.each([undefined, null, 5, {}])('refuses %s as a key', async (key) => {
    const { limiters, store } = setup()
    const taking = limiters[0]?.take(key as never)
    await expect(taking).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(store.changes).toBe(0)
  })

  it('says which limit it is', async () => {
    const { limiters, take } = setup()
    await take(10)
    await expect(limiters[0]?.take('ann')).rejects.toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      message: expect.stringContaining('10 per minute for one key (publish)'),
    })
  })
})
