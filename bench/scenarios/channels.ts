import { saturate } from '../measure.ts'
import type { RedisUse, Session } from '../session.ts'
import type { TargetName } from '../targets/target.ts'
import type { Figures, Row, Scenario } from './scenario.ts'

const one = ', 1 channel'

/** Many channels with one subscriber each, compared with one channel. */
export const channels: Scenario = {
  name: 'channels',
  title: 'Many channels',
  about:
    'Each channel has one subscriber, and channels get events in turn, so each event is ' +
    'one delivery. Raw shows the cost of the sockets alone. Opening is the CPU time for a ' +
    'connection and its channel.',
  columns: [
    { name: 'cpuUsPerEvent', title: 'CPU µs/event', digits: 1 },
    { name: 'openCpuUs', title: 'CPU µs to open', digits: 0 },
    { name: 'redisCpuUs', title: 'Redis CPU µs/event', digits: 1 },
  ],
  ratios: [
    {
      of: 'cpuUsPerEvent',
      title: 'of 1 channel',
      to: (row) => (row.endsWith(one) ? undefined : `${row.split(', ')[0]}${one}`),
      kind: 'of',
    },
    {
      of: 'cpuUsPerEvent',
      title: 'of raw',
      to: (row) => (row.startsWith('raw') ? undefined : `raw, ${row.split(', ')[1]}`),
      kind: 'of',
    },
  ],
  cases: ({ channels }) => {
    const some = Math.ceil(channels / 5)
    return [
      {
        title: `1, ${some.toLocaleString('en')} and ${channels.toLocaleString('en')} channels, 1 event a tick`,
        connections: channels,
        rows: [
          ...[1, some, channels].map((count) => row('ours', 'ours', count)),
          ...[1, some, channels].map((count) => row('ours through Redis', 'ours', count, true)),
          ...[1, channels].map((count) => row('stock', 'stock', count)),
          ...[1, some, channels].map((count) => row('raw', 'raw', count)),
        ],
      },
    ]
  },
}

function row(name: string, target: TargetName, count: number, throughRedis = false): Row {
  return {
    name: `${name}, ${count.toLocaleString('en')} ${count === 1 ? 'channel' : 'channels'}`,
    target,
    measure: (session) =>
      throughRedis
        ? session.withRedis((redis) => measure(session, target, count, redis))
        : measure(session, target, count),
  }
}

async function measure(
  session: Session,
  target: TargetName,
  channels: number,
  redis?: RedisUse,
): Promise<Figures> {
  const settings = { channels, ...(redis && { redisUrl: redis.url }) }
  return await session.withTarget(target, settings, async (pair) => {
    const before = await pair.server.call('cpuUs')
    await pair.subscribe(channels)
    const openCpuUs = ((await pair.server.call('cpuUs')) - before) / channels
    const redisBefore = await redis?.cpuUs()
    const load = await saturate(pair, { subscribers: 1, channels }, session.sizes)
    const figures = { cpuUsPerEvent: load.cpuUsPerDelivery, openCpuUs }
    if (!redis || redisBefore === undefined) return figures
    return { ...figures, redisCpuUs: ((await redis.cpuUs()) - redisBefore) / load.allEvents }
  })
}
