import { saturate } from '../measure.ts'
import type { TargetName } from '../targets/target.ts'
import { type Case, type Row, type Scenario, thanStock } from './scenario.ts'

const throughRedis = ' through Redis'

/** The same events, from memory and through Redis. */
export const redis: Scenario = {
  name: 'redis',
  title: 'Through Redis',
  about:
    'Publisher and subscribers are in one process; every event goes to Redis and comes ' +
    'back. Each stock subscriber reads a stream on its own connection. If there are few ' +
    'events, most of the CPU time of Redis is what it uses when idle.',
  columns: [
    { name: 'cpuUsPerDelivery', title: 'CPU µs/delivery', digits: 2 },
    { name: 'redisCpuUs', title: 'Redis CPU µs/event', digits: 1 },
    { name: 'deliveriesPerSecond', title: 'deliveries/s', digits: 0 },
  ],
  ratios: [
    {
      of: 'cpuUsPerDelivery',
      title: 'of memory',
      to: (row) => (row.endsWith(throughRedis) ? row.slice(0, -throughRedis.length) : undefined),
      kind: 'of',
    },
    { ...thanStock('cpuUsPerDelivery'), title: 'than stock in memory' },
  ],
  cases: ({ crowd }) => [redisCase(crowd, 1), redisCase(crowd, 8)],
}

function redisCase(crowd: number, perTick: number): Case {
  return {
    title: `${crowd.toLocaleString('en')} subscribers, ${perTick === 1 ? '1 event' : `${perTick} events`} a tick`,
    // Each stock subscriber has another connection, to Redis.
    connections: crowd * 2,
    rows: (['ours', 'stock', 'orpc'] as const).flatMap((target) => [
      inMemory(target, crowd, perTick),
      inRedis(target, crowd, perTick),
    ]),
  }
}

function inMemory(target: TargetName, crowd: number, perTick: number): Row {
  return {
    name: target,
    target,
    measure: (session) =>
      session.withTarget(target, {}, async (pair) => {
        await pair.subscribe(crowd)
        const figures = await saturate(pair, { subscribers: crowd, perTick }, session.sizes)
        const { cpuUsPerDelivery, deliveriesPerSecond } = figures
        return { cpuUsPerDelivery, deliveriesPerSecond }
      }),
  }
}

function inRedis(target: TargetName, crowd: number, perTick: number): Row {
  return {
    name: `${target}${throughRedis}`,
    target,
    measure: (session) =>
      session.withRedis((used) =>
        session.withTarget(target, { redisUrl: used.url }, async (pair) => {
          await pair.subscribe(crowd)
          const before = await used.cpuUs()
          const figures = await saturate(pair, { subscribers: crowd, perTick }, session.sizes)
          const { cpuUsPerDelivery, deliveriesPerSecond } = figures
          const redisCpuUs = ((await used.cpuUs()) - before) / figures.allEvents
          return { cpuUsPerDelivery, deliveriesPerSecond, redisCpuUs }
        }),
      ),
  }
}
