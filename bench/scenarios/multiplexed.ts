import { saturate } from '../measure.ts'
import type { TargetName } from '../targets/target.ts'
import { type Case, ofRaw, type Row, type Scenario, thanStock } from './scenario.ts'

/** All subscriptions of a client on one connection, compared with a connection for each. */
export const multiplexed: Scenario = {
  name: 'multiplexed',
  title: 'Many subscriptions on each connection, or a connection for each',
  about:
    'All rows have the same number of subscriptions, and the same number of subscribers ' +
    'for each channel. Channels get events in turn. With one event for each channel in a ' +
    'tick, the events of a multiplexed connection leave in one write.',
  columns: [
    { name: 'cpuUsPerDelivery', title: 'CPU µs/delivery', digits: 2 },
    { name: 'bytesPerDelivery', title: 'bytes/delivery', digits: 0 },
    { name: 'openCpuUs', title: 'CPU µs to open a subscription', digits: 0 },
  ],
  ratios: [
    thanStock('cpuUsPerDelivery'),
    ofRaw('cpuUsPerDelivery'),
    {
      of: 'cpuUsPerDelivery',
      title: 'of single',
      to: (row) => (row === 'ours, multiplexed' ? 'ours' : undefined),
      kind: 'of',
    },
  ],
  cases: ({ crowd, perConnection }) => [
    multiplexedCase(crowd, perConnection, 1),
    multiplexedCase(crowd, perConnection, perConnection),
    multiplexedCase(Math.ceil(crowd / 10), perConnection * 10, 1),
  ],
}

function multiplexedCase(connections: number, channels: number, perTick: number): Case {
  const subscriptions = connections * channels
  const row = (name: string, target: TargetName, perConnection?: number): Row => ({
    name,
    target,
    measure: (session) => {
      const settings = { channels, ...(perConnection !== undefined && { perConnection }) }
      return session.withTarget(target, settings, async (pair) => {
        const before = await pair.server.call('cpuUs')
        await pair.subscribe(perConnection === undefined ? subscriptions : connections)
        const openCpuUs = ((await pair.server.call('cpuUs')) - before) / subscriptions
        const load = { subscribers: connections, channels, perTick }
        const { cpuUsPerDelivery, bytesPerDelivery } = await saturate(pair, load, session.sizes)
        return { cpuUsPerDelivery, bytesPerDelivery, openCpuUs }
      })
    },
  })
  return {
    title:
      `${connections.toLocaleString('en')} connections with ${channels} subscriptions each, or ` +
      `${subscriptions.toLocaleString('en')} single streams; ${perTick === 1 ? '1 event' : `${perTick} events`} a tick`,
    connections: subscriptions,
    rows: [
      row('ours, multiplexed', 'ours', channels),
      row('ours', 'ours'),
      row('stock', 'stock'),
      row('raw', 'raw'),
    ],
  }
}
