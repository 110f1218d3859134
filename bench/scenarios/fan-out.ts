import { saturate } from '../measure.ts'
import type { TargetName, TargetSettings } from '../targets/target.ts'
import { memoryTargetNames } from '../targets/target.ts'
import { type Case, ofRaw, type Row, type Scenario, thanStock } from './scenario.ts'

/** The cost of one event, by its number of subscribers. */
export const fanOut: Scenario = {
  name: 'fan-out',
  title: 'Fan-out',
  about:
    'One channel, with as many events as the clients can keep up with. CPU is user + ' +
    'system time of the server process, divided by the deliveries that the clients ' +
    'counted.',
  columns: [
    { name: 'cpuUsPerDelivery', title: 'CPU µs/delivery', digits: 2 },
    { name: 'deliveriesPerSecond', title: 'deliveries/s', digits: 0 },
    { name: 'clientsBusy', title: "clients' CPU %", digits: 0 },
    { name: 'bytesPerDelivery', title: 'bytes/delivery', digits: 0 },
  ],
  ratios: [thanStock('cpuUsPerDelivery'), ofRaw('cpuUsPerDelivery')],
  cases: ({ subscribers, perTick, bytes }) =>
    bytes.flatMap((size, sizeIndex) =>
      perTick.flatMap((events, tickIndex) =>
        subscribers.map((count) => fanOutCase(count, events, size, sizeIndex + tickIndex === 0)),
      ),
    ),
}

const alwaysThere: readonly TargetName[] = ['ours', 'stock', 'raw']

/**
 * Other libraries are measured only in the simplest case, because size and ticks affect all of them
 * alike.
 */
function fanOutCase(subscribers: number, perTick: number, bytes: number, everybody: boolean): Case {
  const names = everybody ? memoryTargetNames : alwaysThere
  const row = (name: string, target: TargetName, settings: Partial<TargetSettings>): Row => ({
    name,
    target,
    measure: (session) =>
      session.withTarget(target, settings, async (pair) => {
        await pair.subscribe(subscribers)
        const figures = await saturate(pair, { subscribers, perTick, bytes }, session.sizes)
        const { cpuUsPerDelivery, deliveriesPerSecond, clientsBusy, bytesPerDelivery } = figures
        return { cpuUsPerDelivery, deliveriesPerSecond, clientsBusy, bytesPerDelivery }
      }),
  })
  const rows = names.map((name) => row(name, name, {}))
  return {
    title: `${count(subscribers, 'subscriber')}, ${count(perTick, 'event')} a tick, ${bytes} bytes`,
    connections: subscribers,
    rows: [
      ...rows.slice(0, 1),
      row('ours, multiplexed', 'ours', { perConnection: 1 }),
      row('ours, guarded', 'ours', { isGuarded: true }),
      row('ours, OpenTelemetry', 'ours', { isTraced: true }),
      ...rows.slice(1),
    ],
  }
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`
}
