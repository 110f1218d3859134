import type { FanOut, Idle } from './measure.ts'
import { targetNames } from './options.ts'
import type { Medians, Results } from './run.ts'

type Row = Readonly<Record<string, string>>

/** Writes the results as tables. */
export function showResults({ fanOut, idle }: Results): void {
  for (const { subscribers, targets } of fanOut) {
    console.log(`\n${subscribers} ${subscribers === 1 ? 'subscriber' : 'subscribers'}`)
    console.table(rows(targets, (of) => fanOutRow(of, targets)))
  }
  if (idle) {
    console.log(`\n${idle.connections} idle connections: each costs`)
    console.table(rows(idle.targets, idleRow))
  }
}

function fanOutRow(of: FanOut, { stock, raw }: Medians<FanOut>): Row {
  return {
    'CPU µs/delivery': of.cpuUsPerDelivery.toFixed(1),
    'than stock': ratio(stock?.cpuUsPerDelivery, of.cpuUsPerDelivery, '× less'),
    'of raw': ratio(of.cpuUsPerDelivery, raw?.cpuUsPerDelivery, '×'),
    'deliveries/s': Math.round(of.deliveriesPerSecond).toLocaleString('en'),
    'p50 ms': of.p50Ms.toFixed(2),
    'p99 ms': of.p99Ms.toFixed(2),
  }
}

function idleRow(of: Idle): Row {
  return {
    'RSS KB': of.rssKb.toFixed(1),
    'heap KB': of.heapKb.toFixed(1),
    'CPU µs to open': of.openCpuUs.toFixed(0),
  }
}

function rows<T>(targets: Medians<T>, row: (of: T) => Row): Record<string, Row> {
  const named = targetNames.map((name) => [name, targets[name]] as const)
  return Object.fromEntries(named.flatMap(([name, of]) => (of ? [[name, row(of)]] : [])))
}

function ratio(of: number | undefined, to: number | undefined, unit: string): string {
  return of === undefined || to === undefined ? '' : `${(of / to).toFixed(2)}${unit}`
}
