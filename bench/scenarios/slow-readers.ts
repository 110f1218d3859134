import { loadParams } from '../measure.ts'
import type { Session } from '../session.ts'
import { type TargetName, type TargetSettings, targetNames } from '../targets/target.ts'
import type { Figures, Row, Scenario } from './scenario.ts'

/** Some clients stop reading, and one continues. */
export const slowReaders: Scenario = {
  name: 'slow-readers',
  title: 'Slow readers',
  about:
    'Some clients stop reading while events are published as fast as one healthy reader ' +
    'takes them. Then they read again. RSS growth is the highest RSS of the server ' +
    'process, compared with that before the first event. The stalled readers have three ' +
    'times as long as the healthy one.',
  columns: [
    { name: 'growthMb', title: 'RSS growth MB', digits: 0 },
    { name: 'healthyEvents', title: 'healthy one: events', digits: 0 },
    { name: 'healthyMs', title: 'ms', digits: 0 },
    { name: 'catchUpMs', title: 'stalled ones: ms', digits: 0 },
    { name: 'missing', title: 'missing at the end', digits: 0 },
  ],
  ratios: [],
  maxRounds: 1,
  cases: ({ stalled, stalledEvents, stalledBytes, stalledMs }) => {
    const row = (
      name: string,
      target: TargetName,
      settings: Partial<TargetSettings> = {},
    ): Row => ({
      name,
      target,
      measure: (session) => measure(session, target, settings),
    })
    const rows = targetNames.map((name) => row(name, name))
    return [
      {
        title:
          `${stalled} stalled readers, ${stalledEvents.toLocaleString('en')} events of ${stalledBytes.toLocaleString('en')} bytes, ` +
          `${stalledMs / 1_000} s`,
        connections: stalled + 1,
        rows: [
          ...rows.slice(0, 1),
          row('ours, multiplexed', 'ours', { perConnection: 1 }),
          ...rows.slice(1),
        ],
      },
    ]
  },
}

/** If nothing arrives for this long, nothing more will. */
const quietMs = 5_000
/** The factor by which the stalled readers, being many, have more time than the healthy one. */
const catchUpTimes = 3
const mb = 1_048_576

async function measure(
  session: Session,
  target: TargetName,
  settings: Partial<TargetSettings>,
): Promise<Figures> {
  const { sizes } = session
  const { stalledEvents: events, stalled, stalledMs: forMs } = sizes
  // All events are retained, so that a slow reader can read them from the log.
  const retain = { retain: events * 2 }
  return await session.withTarget(
    target,
    { ...retain, ...settings },
    async ({ server, clients, port }) => {
      const requests = await server.call('requests', {})
      await clients.call('connect', { port, requests, count: stalled, stalls: true })
      await clients.call('connect', { port, requests, count: 1 })
      await server.call('subscribed', { count: stalled + 1 })

      await server.call('watchMemory')
      const params = loadParams({ subscribers: 1, bytes: sizes.stalledBytes }, sizes)
      await clients.call('report', { every: Math.ceil(params.inFlight / 4), timed: false })
      const healthy = await server.call('load', { ...params, events, forMs })
      const growthMb = (await server.call('memoryGrowth')) / mb

      await clients.call('resume')
      const count = healthy.events * (stalled + 1)
      const { received, elapsedMs: catchUpMs } = await clients.call('arrived', {
        count,
        quietMs,
        forMs: forMs * catchUpTimes,
      })
      return {
        growthMb,
        healthyEvents: healthy.events,
        healthyMs: healthy.elapsedMs,
        catchUpMs,
        missing: count - received,
      }
    },
  )
}
