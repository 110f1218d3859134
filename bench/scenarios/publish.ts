import { listenTo } from '../redis-listeners.ts'
import type { TargetName } from '../targets/target.ts'
import type { Row, Scenario } from './scenario.ts'

const floor = 'XADD and PUBLISH'

/** The cost of publishing to Redis. */
export const publish: Scenario = {
  name: 'publish',
  title: 'Publishing to Redis',
  about:
    'A process that only publishes, on one connection. Redis CPU is user + system time of ' +
    'its process, by `INFO cpu`. The floor is XADD and PUBLISH as two commands: not ' +
    'atomic, without expiry, order or idempotency. In rows with listening processes, each ' +
    'event is also sent to them. `lastEventId` is the cost of an open channel every 30 s.',
  columns: [
    { name: 'perSecond', title: 'events/s', digits: 0 },
    { name: 'redisCpuUs', title: 'Redis CPU µs/event', digits: 1 },
    { name: 'cpuUs', title: 'own CPU µs/event', digits: 1 },
  ],
  ratios: [
    {
      of: 'redisCpuUs',
      title: 'Redis CPU of the floor',
      to: (row) => (row === floor ? undefined : floor),
      kind: 'of',
    },
  ],
  cases: ({ publishes, publishing }) => [
    {
      title: `${publishes.toLocaleString('en')} events, ${publishing.toLocaleString('en')} on their way`,
      connections: 1,
      rows: [
        row('ours', 'ours', 'ours'),
        row('ours, with idempotency key', 'ours', 'ours-keyed'),
        row('ours, publishMany of 100', 'ours', 'ours-many'),
        row('ours, to 5,000 channels', 'ours', 'ours-spread'),
        row('ours, heard by 10 processes', 'ours', 'ours', 10),
        row('ours, heard by 50 processes', 'ours', 'ours', 50),
        row('ours, lastEventId instead', 'ours', 'ours-read'),
        row('orpc', 'orpc', 'orpc'),
        row(floor, 'raw', 'xadd-publish'),
      ],
    },
  ],
}

function row(name: string, target: TargetName, publisher: string, listeners = 0): Row {
  return {
    name,
    target,
    measure: (session) =>
      session.withRedis((redis) =>
        session.withPublisher(publisher, redis, async (process) => {
          const { publishes: events, publishing, bytes } = session.sizes
          using _listeners = await listenTo(redis.url, listeners)
          const params = { inFlight: publishing, bytes: bytes[0] ?? 130 }
          await process.call('publish', { ...params, events: events / 10 })
          const before = await redis.cpuUs()
          const { elapsedMs, cpuUs } = await process.call('publish', { ...params, events })
          return {
            perSecond: (events / elapsedMs) * 1_000,
            redisCpuUs: ((await redis.cpuUs()) - before) / events,
            cpuUs: cpuUs / events,
          }
        }),
      ),
  }
}
