import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { Connections } from '../link/connection/connections.ts'
import { Limiter } from '../link/connection/limiter.ts'
import type { ResponseWriter } from '../link/connection/response-writer.ts'
import type { StreamSubscription } from '../link/connection/stream-handler.ts'
import { Tracer } from '../user-code/tracer.ts'
import { Drills } from './drills.ts'
import { listStreams, listSubscriptions } from './streams.ts'

/** Opens streams with these numbers of waiting bytes, whose texts are as long as can be. */
function open(waiting: readonly number[], subscriptions = 1) {
  const clock = manualClock()
  const count = waiting.length
  const limiter = new Limiter({
    connections: count,
    connectionsPerKey: count,
    connectionsPerAddress: count,
  })
  const connections = new Connections({
    clock,
    limiter,
    tracer: new Tracer(undefined),
    heartbeatMs: Infinity,
    maxDurationMs: undefined,
    maxBufferedBytes: 65_536,
    channelsPerConnection: 10,
  })
  const long = 'x'.repeat(10_000)
  const started: StreamSubscription[] = Array.from({ length: subscriptions }, (_, n) => ({
    key: `${n}${long}`,
    path: `path${long}`,
    clientPosition: long,
    live: undefined,
    readers: () => Array.from({ length: 100 }, () => ({ log: long, position: '1-1', lag: n })),
    reportGap: () => true,
  }))
  for (const bytes of waiting) {
    const writer: ResponseWriter = {
      start() {},
      write() {},
      bufferedBytes: () => bytes,
      end() {},
      abort() {},
      onceClosed() {},
    }
    const connection = connections.add(writer)
    connection.setOwner(`key${long}`, {})
    connection.start({ status: 200, headers: [] })
    connection.stream = {
      paths: () => Array.from({ length: 100 }, () => long),
      subscriptionCount: () => subscriptions,
      started: () => started,
      heartbeat() {},
      reconnect() {},
      close() {},
    }
  }
  return { connections, drills: new Drills(connections, clock) }
}

describe('the list of streams', () => {
  it('has at most 50 rows of 20,000, those for whose clients most bytes wait', () => {
    const waiting = Array.from({ length: 20_000 }, (_, n) => n)
    const { connections, drills } = open(waiting)
    const { rows, total } = listStreams(connections, drills, '')
    expect([rows.length, total]).toEqual([50, 20_000])
    expect(rows.map(({ bytesWaiting }) => bytesWaiting)).toEqual(waiting.slice(-50).reverse())
  })

  it('is at most 256 kB, however long keys and paths are, and however many subscriptions', () => {
    const { connections, drills } = open(
      Array.from({ length: 100 }, () => 0),
      1_000,
    )
    expect(JSON.stringify(listStreams(connections, drills, '')).length).toBeLessThan(262_144)
  })

  it('has the details of at most 50 subscriptions, and of five logs of each', () => {
    const { connections } = open([0], 1_000)
    const [connection] = connections.all
    const { rows, total } = listSubscriptions(connections, connection?.number ?? 0)
    expect([rows.length, total]).toEqual([50, 1_000])
    expect(rows[0]?.readers).toHaveLength(5)
    expect(JSON.stringify(rows).length).toBeLessThan(400_000)
  })

  it('is filtered by key, path and number', () => {
    const { connections, drills } = open([0, 0, 0])
    const [connection] = connections.all
    const numbers = (filter: string): number => listStreams(connections, drills, filter).total
    expect(['', 'keyx', 'nobody', String(connection?.number)].map(numbers)).toEqual([3, 3, 0, 1])
  })
})
