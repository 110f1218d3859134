import { describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../../../tests/support/manual-clock.ts'
import { Tracer } from '../user-code/tracer.ts'
import { Connections } from './connection/connections.ts'
import { Limiter } from './connection/limiter.ts'
import type { ResponseWriter } from './connection/response-writer.ts'

interface Setup {
  readonly clock: ManualClock
  readonly connections: Connections
  /** The times at which connections were asked to reconnect, in milliseconds since the start. */
  readonly sentAwayAt: number[]
  /** Sets the time of day, as a correction of the system clock does. */
  set(ms: number): void
  /** Makes all clients leave. */
  leave(): void
}

function setup(count: number): Setup {
  const clock = manualClock()
  const startedAt = clock.now()
  let setByMs = 0
  const connections = new Connections({
    // Timers don't depend on the time of day.
    clock: { ...clock, now: () => clock.now() + setByMs },
    tracer: new Tracer(undefined),
    heartbeatMs: Infinity,
    maxDurationMs: undefined,
    maxBufferedBytes: 65_536,
    channelsPerConnection: 10,
    limiter: new Limiter({
      connections: count,
      connectionsPerKey: count,
      connectionsPerAddress: count,
    }),
  })
  const leaves: Array<() => void> = []
  /** The writer of a request that is never answered. */
  const writer: ResponseWriter = {
    start() {},
    write() {},
    bufferedBytes: () => 0,
    end() {},
    abort() {},
    onceClosed: (callback) => void leaves.push(callback),
  }
  const sentAwayAt: number[] = []
  for (let i = 0; i < count; i++) {
    const connection = connections.add(writer)
    connection.setOwner('key', {})
    connection.stream = {
      paths: () => [],
      subscriptionCount: () => 1,
      started: () => [],
      heartbeat() {},
      reconnect: () => void sentAwayAt.push(clock.now() - startedAt),
      close() {},
    }
  }
  function set(ms: number): void {
    setByMs = ms
  }
  function leave(): void {
    for (const callback of leaves) callback()
  }
  return { clock, connections, sentAwayAt, set, leave }
}

/** Advances time in steps, and lets the callbacks of each step finish, as real timers do. */
async function pass(clock: ManualClock, ms: number, stepMs = 1): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs)
    await Promise.resolve()
    await Promise.resolve()
  }
}

describe('P25: a drain over a period', () => {
  it.each([
    [10_000, 10_000],
    [10_000, 400],
    [4_000, 400],
    [3_000, 4_000],
    [7, 10_000],
    [1, 1_000],
  ])('ends %i connections evenly over %i ms, and not later', async (count, overMs) => {
    const { clock, connections, sentAwayAt } = setup(count)
    const drained = connections.drain(overMs)
    expect(sentAwayAt).toEqual([0])
    await pass(clock, overMs)
    expect(sentAwayAt).toHaveLength(count)
    const everyMs = Math.max(1, Math.ceil(overMs / count))
    const lateMs = sentAwayAt.map((ms, index) => ms - (index * overMs) / count)
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0)
    // Connections of the same timer end together.
    expect(Math.max(...lateMs)).toBeLessThan(everyMs)
    expect(connections.size).toBeGreaterThan(0)
    await pass(clock, 6_000, 1_000)
    await drained
    expect(connections.size).toBe(0)
  })

  it('is over as soon as all clients have left', async () => {
    const { connections, leave } = setup(3)
    const drained = connections.drain(60_000)
    leave()
    // No time passes.
    await drained
    expect(connections.size).toBe(0)
  })

  it('catches up after late timers', async () => {
    const { clock, connections, sentAwayAt } = setup(1_000)
    void connections.drain(1_000)
    await pass(clock, 1_000, 50)
    expect([...new Set(sentAwayAt)]).toEqual(Array.from({ length: 21 }, (_, index) => index * 50))
    expect(sentAwayAt.filter((ms) => ms <= 500)).toHaveLength(501)
  })

  it.each([
    [-3_600_000, 990],
    [3_600_000, 110],
  ])('continues when the clock is set by %i ms', async (setByMs, lastAt) => {
    const { clock, connections, sentAwayAt, set } = setup(100)
    void connections.drain(1_000)
    await pass(clock, 100)
    expect(sentAwayAt).toHaveLength(11)
    set(setByMs)
    await pass(clock, 1_000)
    expect(sentAwayAt).toHaveLength(100)
    expect(sentAwayAt.at(-1)).toBe(lastAt)
  })
})
