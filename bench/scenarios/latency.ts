import { probe } from '../measure.ts'
import { memoryTargetNames } from '../targets/target.ts'
import { ofRaw, type Ratio, type Scenario } from './scenario.ts'

const timesStock: Ratio = {
  of: 'p50Ms',
  title: 'p50 than stock',
  to: (row) => (row === 'stock' ? undefined : 'stock'),
  kind: 'less',
}

/** The time that an event takes without other load. */
export const latency: Scenario = {
  name: 'latency',
  title: 'Latency without load',
  about:
    'One event to all, once the previous one has arrived everywhere: from publish to ' +
    'receive, over all deliveries.',
  columns: [
    { name: 'p50Ms', title: 'p50 ms', digits: 2 },
    { name: 'p99Ms', title: 'p99 ms', digits: 2 },
  ],
  ratios: [
    timesStock,
    { ...ofRaw('p50Ms'), title: 'p50 of raw' },
    { ...ofRaw('p99Ms'), title: 'p99 of raw' },
  ],
  cases: ({ crowd }) => [
    {
      title: `1 event to ${crowd.toLocaleString('en')} clients`,
      connections: crowd,
      rows: memoryTargetNames.map((target) => ({
        name: target,
        target,
        measure: (session) =>
          session.withTarget(target, {}, async (pair) => {
            await pair.subscribe(crowd)
            return await probe(pair, { subscribers: crowd }, session.sizes)
          }),
      })),
    },
  ],
}
