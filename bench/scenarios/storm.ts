import type { Pair, RedisUse, Session } from '../session.ts'
import type { Sizes } from '../sizes.ts'
import type { TargetName, TargetSettings } from '../targets/target.ts'
import type { Case, Figures, Row, Scenario } from './scenario.ts'

/** All clients reconnect at once, each some events behind. */
export const storm: Scenario = {
  name: 'storm',
  title: 'Reconnect storm',
  about:
    'All clients connect at once with the id of the same event. The time ends when all ' +
    'events that they missed have arrived. Over Redis, the server process is new, as after ' +
    'a deploy. Reads of Redis are calls of XREAD, XRANGE and XREVRANGE, in scripts or not, ' +
    'by `INFO commandstats`.',
  columns: [
    { name: 'elapsedMs', title: 'ms until all is there', digits: 0 },
    { name: 'cpuMs', title: 'CPU ms', digits: 0 },
    { name: 'redisReads', title: 'reads of Redis', digits: 0 },
    { name: 'missing', title: 'missing', digits: 0 },
  ],
  ratios: [
    {
      of: 'elapsedMs',
      title: 'time than stock',
      to: (row) => (row === 'stock' ? undefined : 'stock'),
      kind: 'less',
    },
  ],
  cases: (sizes) => [
    stormCase(sizes, 'over Redis', overRedis),
    stormCase(sizes, 'from memory', fromMemory),
  ],
}

type Storm = (
  session: Session,
  target: TargetName,
  settings: Partial<TargetSettings>,
) => Promise<Figures>

/** The measurement ends if nothing arrives for `quietMs`, or after a minute. */
const quietMs = 5_000
const forMs = 60_000

function stormCase({ crowd, behind }: Sizes, where: string, run: Storm): Case {
  const row = (name: string, target: TargetName, settings: Partial<TargetSettings> = {}): Row => ({
    name,
    target,
    measure: (session) => run(session, target, settings),
  })
  return {
    title: `${crowd.toLocaleString('en')} clients, each ${behind} events behind, ${where}`,
    connections: crowd * 2,
    rows: [
      row('ours', 'ours'),
      row('ours, multiplexed', 'ours', { perConnection: 1 }),
      row('stock', 'stock'),
      row('orpc', 'orpc'),
    ],
  }
}

async function overRedis(
  session: Session,
  target: TargetName,
  settings: Partial<TargetSettings>,
): Promise<Figures> {
  return await session.withRedis(async (redis) => {
    const all = { ...settings, redisUrl: redis.url }
    const lastEventId = await session.withTarget(target, all, (pair) =>
      fallBehind(pair, session.sizes),
    )
    return await session.withTarget(target, all, (pair) =>
      comeBack(pair, session.sizes, lastEventId, redis),
    )
  })
}

async function fromMemory(
  session: Session,
  target: TargetName,
  settings: Partial<TargetSettings>,
): Promise<Figures> {
  return await session.withTarget(target, settings, async (pair) =>
    comeBack(pair, session.sizes, await fallBehind(pair, session.sizes)),
  )
}

/**
 * Lets one client receive an event, and then publishes the events that all clients will have
 * missed. Returns the id of the first event.
 */
async function fallBehind({ server, clients, subscribe }: Pair, sizes: Sizes): Promise<string> {
  const bytes = sizes.bytes[0] ?? 130
  await subscribe(1)
  await clients.call('report', { every: 1, timed: false })
  await server.call('load', {
    bytes,
    channels: 1,
    subscribers: 1,
    perTick: 1,
    events: 1,
    inFlight: 0,
  })
  const lastEventId = await clients.call('lastEventId')
  await clients.call('disconnect')
  await server.call('store', { events: sizes.behind, bytes })
  return lastEventId
}

async function comeBack(
  { server, clients, port }: Pair,
  { crowd, behind }: Sizes,
  lastEventId: string,
  redis?: RedisUse,
): Promise<Figures> {
  const seen = await clients.call('received')
  const requests = await server.call('requests', { lastEventId })
  const before = { cpuUs: await server.call('cpuUs'), reads: await redis?.reads() }
  await clients.call('connect', { port, requests, count: crowd, atOnce: crowd })
  const count = crowd * behind
  const { received, elapsedMs } = await clients.call('arrived', {
    count: seen + count,
    quietMs,
    forMs,
  })
  const cpuMs = ((await server.call('cpuUs')) - before.cpuUs) / 1_000
  const figures = { elapsedMs, cpuMs, missing: seen + count - received }
  return redis ? { ...figures, redisReads: (await redis.reads()) - (before.reads ?? 0) } : figures
}
