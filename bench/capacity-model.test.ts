import { expect, it } from 'vitest'
import { type App, type Costs, costsOf, loadOf } from './capacity-model.ts'
import type { RowResult } from './run.ts'

const costs: Costs = {
  crowdUs: 10,
  batchedUs: 2,
  singleUs: 100,
  openUs: 200,
  openChannelUs: 300,
  connectionKb: 10.24,
  publishUs: 5,
  togetherUs: 4,
  keyedUs: 10,
  notifyUs: 0.5,
  checkUs: 3,
}
const app: App = {
  name: '',
  connections: 20_000,
  instances: 2,
  channels: 3_000,
  instancesPerChannel: 2,
  eventsPerSecond: 100,
  subscribersPerEvent: 200,
}

it('adds up the load of an app on its instances and on Redis', () => {
  const load = loadOf(app, costs)
  expect(load.instanceCpu).toBeCloseTo((100 * 200 * 10) / 2 / 1e6)
  expect(load.instanceMb).toBeCloseTo(100)
  expect(load.redisPublish).toBeCloseTo((100 * 5) / 1e6)
  expect(load.redisNotify).toBeCloseTo((100 * 2 * 0.5) / 1e6)
  expect(load.redisCheck).toBeCloseTo((3_000 * 2 * 3) / 30 / 1e6)
})

it('shares no cost if an instance has one subscriber of an event', () => {
  const load = loadOf({ ...app, subscribersPerEvent: 2 }, costs)
  expect(load.instanceCpu).toBeCloseTo((100 * 2 * 100) / 2 / 1e6)
})

it('takes the costs from results, and names one that is missing', () => {
  const row = (name: string, figures: Record<string, number>): RowResult => ({
    name,
    target: 'ours',
    figures,
    rounds: [],
  })
  const fanOut = (
    title: string,
    cpuUsPerDelivery: number,
  ): { title: string; rows: RowResult[] } => ({
    title,
    rows: [row('ours', { cpuUsPerDelivery }), row('stock', { cpuUsPerDelivery: 99 })],
  })
  const scenarios = [
    {
      name: 'fan-out',
      cases: [
        fanOut('100 subscribers, 1 event a tick, 130 bytes', 99),
        fanOut('1,000 subscribers, 1 event a tick, 130 bytes', 10),
        fanOut('1,000 subscribers, 8 events a tick, 130 bytes', 2),
      ],
    },
    {
      name: 'idle',
      cases: [{ title: 'idle', rows: [row('ours', { openCpuUs: 200, rssKb: 10.24 })] }],
    },
    {
      name: 'channels',
      cases: [
        {
          title: 'some',
          rows: [
            row('ours through Redis, 1 channel', { cpuUsPerEvent: 1, openCpuUs: 1 }),
            row('ours through Redis, 5,000 channels', { cpuUsPerEvent: 100, openCpuUs: 300 }),
          ],
        },
      ],
    },
    {
      name: 'publish',
      cases: [
        {
          title: 'many',
          rows: [
            row('ours', { redisCpuUs: 4 }),
            row('ours, to 5,000 channels', { redisCpuUs: 5 }),
            row('ours, with idempotency key', { redisCpuUs: 10 }),
            row('ours, heard by 50 processes', { redisCpuUs: 29 }),
            row('ours, lastEventId instead', { redisCpuUs: 3 }),
          ],
        },
      ],
    },
  ]
  expect(() => costsOf({ scenarios: scenarios.slice(0, 1), hotPaths: [] })).toThrow(
    'no redisCpuUs of publish',
  )
  expect(costsOf({ scenarios, hotPaths: [] })).toEqual(costs)
})
