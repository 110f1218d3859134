import type { Session } from '../session.ts'
import { memoryTargetNames, type TargetName, type TargetSettings } from '../targets/target.ts'
import { type Figures, ofRaw, type Row, type Scenario, thanStock } from './scenario.ts'

/** The cost of an open connection on which nothing is sent. */
export const idle: Scenario = {
  name: 'idle',
  title: 'Idle connections',
  about:
    'The cost of one more connection for the server process: memory after a garbage ' +
    'collection, and CPU time to open it. Others were opened and closed first. The row ' +
    'with a procedure call is raw plus a tRPC call of the same procedure for each ' +
    'connection, which every server for tRPC needs.',
  columns: [
    { name: 'rssKb', title: 'RSS KB', digits: 1 },
    { name: 'heapKb', title: 'heap KB', digits: 1 },
    { name: 'openCpuUs', title: 'CPU µs to open', digits: 0 },
  ],
  ratios: [
    { ...thanStock('rssKb'), title: 'RSS than stock' },
    { ...ofRaw('openCpuUs'), title: 'opening of raw' },
  ],
  cases: ({ idle }) => {
    const row = (name: string, target: TargetName, settings: Partial<TargetSettings>): Row => ({
      name,
      target,
      measure: (session) => measure(session, target, settings),
    })
    const rows = memoryTargetNames.map((name) => row(name, name, {}))
    const multiplexed = row('ours, multiplexed', 'ours', { perConnection: 1 })
    const call = row('raw, and a procedure call', 'raw', { callsProcedure: true })
    return [
      {
        title: `${idle.toLocaleString('en')} connections`,
        connections: idle,
        rows: [...rows.slice(0, 1), multiplexed, ...rows.slice(1, 3), call, ...rows.slice(3)],
      },
    ]
  },
}

async function measure(
  session: Session,
  target: TargetName,
  settings: Partial<TargetSettings>,
): Promise<Figures> {
  const { idle, idleWarmUp } = session.sizes
  return await session.withTarget(target, settings, async ({ server, clients, subscribe }) => {
    await subscribe(idleWarmUp)
    await clients.call('disconnect')
    const before = await server.call('usage')
    const beforeCpuUs = await server.call('cpuUs')
    await subscribe(idle)
    const after = await server.call('usage')
    return {
      rssKb: (after.memory.rss - before.memory.rss) / idle / 1_024,
      heapKb: (after.memory.heapUsed - before.memory.heapUsed) / idle / 1_024,
      openCpuUs: (after.cpuUs - beforeCpuUs) / idle,
    }
  })
}
