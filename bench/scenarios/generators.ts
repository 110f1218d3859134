import { saturate } from '../measure.ts'
import type { TargetName } from '../targets/target.ts'
import { ofRaw, type Row, type Scenario, thanStock } from './scenario.ts'

/** The app's own generators, as they are when an app changes only the import. */
export const generators: Scenario = {
  name: 'generators',
  title: "An app's own generators",
  about: 'The same router, a tracked generator over an EventEmitter, served by ours and by stock.',
  columns: [
    { name: 'cpuUsPerDelivery', title: 'CPU µs/delivery', digits: 2 },
    { name: 'deliveriesPerSecond', title: 'deliveries/s', digits: 0 },
  ],
  ratios: [thanStock('cpuUsPerDelivery'), ofRaw('cpuUsPerDelivery')],
  cases: ({ crowd }) => {
    const row = (name: string, target: TargetName, multiplexed = false): Row => ({
      name,
      target,
      measure: (session) => {
        const settings = { source: 'generator', ...(multiplexed && { perConnection: 1 }) } as const
        return session.withTarget(target, settings, async (pair) => {
          await pair.subscribe(crowd)
          const figures = await saturate(pair, { subscribers: crowd }, session.sizes)
          const { cpuUsPerDelivery, deliveriesPerSecond } = figures
          return { cpuUsPerDelivery, deliveriesPerSecond }
        })
      },
    })
    return [
      {
        title: `${crowd.toLocaleString('en')} subscribers, 1 event a tick`,
        connections: crowd,
        rows: [
          row('ours', 'ours'),
          row('ours, multiplexed', 'ours', true),
          row('stock', 'stock'),
          row('raw', 'raw'),
        ],
      },
    ]
  },
}
