import { saturate } from '../measure.ts'
import type { ProduceParams } from '../processes/producer.ts'
import type { TargetName, TargetSettings } from '../targets/target.ts'
import type { Case, Row, Scenario } from './scenario.ts'

const other = 'resumable-stream'
const perSecond = 150
/** Deltas in each turn of the loop: a run stores many in one step. */
const perTick = 8

/** The cost of answers that stream, and can be followed and resumed. */
export const runs: Scenario = {
  name: 'runs',
  title: 'Runs',
  about:
    'One answer, whose followers are in one process with its producer; every delta goes to Redis ' +
    'and comes back. `resumable-stream` publishes a message for each follower and delta. In the ' +
    `second table, a process produces an answer of ${perSecond} deltas a second, and nowhere is ` +
    'the same source without a run.',
  columns: [
    { name: 'cpuUsPerDelivery', title: 'CPU µs/delivery', digits: 2 },
    { name: 'redisCpuUs', title: 'Redis CPU µs/delta', digits: 1 },
    { name: 'bytesPerDelivery', title: 'bytes/delivery', digits: 0 },
    { name: 'elapsedMs', title: 'ms until the end', digits: 0 },
  ],
  ratios: [
    {
      of: 'cpuUsPerDelivery',
      title: `than ${other}`,
      to: (row) => (row === other ? undefined : other),
      kind: 'less',
    },
    {
      of: 'redisCpuUs',
      title: 'of its Redis CPU',
      to: (row) => (row === other ? undefined : other),
      kind: 'of',
    },
    {
      of: 'elapsedMs',
      title: 'of nowhere',
      to: (row) => (row === 'nowhere' ? undefined : 'nowhere'),
      kind: 'of',
    },
  ],
  cases: ({ crowd, runDeltas }) => [followers(crowd), producer(runDeltas)],
}

function followers(crowd: number): Case {
  return {
    title: `${crowd.toLocaleString('en')} followers`,
    connections: crowd,
    rows: [following('ours', 'ours', crowd), following(other, other, crowd)],
  }
}

function following(name: string, target: TargetName, crowd: number): Row {
  return {
    name,
    target,
    measure: (session) =>
      session.withRedis((redis) => {
        const settings: Partial<TargetSettings> = { source: 'run', redisUrl: redis.url }
        return session.withTarget(target, settings, async (pair) => {
          await pair.subscribe(crowd)
          const before = await redis.cpuUs()
          const load = { subscribers: crowd, perTick }
          const { cpuUsPerDelivery, bytesPerDelivery, allEvents } = await saturate(
            pair,
            load,
            session.sizes,
          )
          const redisCpuUs = ((await redis.cpuUs()) - before) / allEvents
          return { cpuUsPerDelivery, bytesPerDelivery, redisCpuUs }
        })
      }),
  }
}

function producer(deltas: number): Case {
  return {
    title: `An answer of ${deltas.toLocaleString('en')} deltas`,
    connections: 1,
    rows: [
      producing('ours', 'ours', 'run', deltas),
      producing('nowhere', 'raw', 'nowhere', deltas),
    ],
  }
}

function producing(name: string, target: TargetName, to: ProduceParams['to'], deltas: number): Row {
  return {
    name,
    target,
    measure: (session) =>
      session.withRedis((redis) =>
        session.withProducer(redis, async (process) => {
          const params = { deltas, perSecond, bytes: session.sizes.bytes[0] ?? 130 }
          await process.call('produce', { ...params, to, deltas: Math.ceil(deltas / 20) })
          return await process.call('produce', { ...params, to })
        }),
      ),
  }
}
