import type { OptionSpecs, Options } from '../options.ts'
import type { Tally } from './tally.ts'

/** The options that make a load fail. */
export const limitOptions: OptionSpecs = {
  'max-gaps': { value: '<number>', help: 'exit with 1 if there are more gaps' },
  'max-repeats': { value: '<number>', help: 'exit with 1 if more events are repeated' },
  'max-reconnects': { value: '<number>', help: 'exit with 1 if there are more reconnects' },
  'max-failed': { value: '<number>', help: 'exit with 1 if more subscriptions fail' },
  'max-p99': { value: '<ms>', help: 'exit with 1 if the 99th percentile of latency is higher' },
  'min-events': { value: '<number>', help: 'exit with 1 if there are fewer events' },
}

/** A limit that was given. */
export interface LoadLimit {
  readonly name: string
  readonly limit: number
}

/** Returns the limits that were given. Throws a usage error for a wrong number. */
export function limitsOf(options: Options): readonly LoadLimit[] {
  return Object.keys(limitOptions).flatMap((name) => {
    const limit = options.number(name, { least: 0, most: 1_000_000_000_000 })
    return limit === undefined ? [] : [{ name, limit }]
  })
}

/** Returns a sentence for each limit that isn't kept. */
export function brokenLimits(limits: readonly LoadLimit[], { total, latency }: Tally): string[] {
  const values: Readonly<Record<string, number>> = {
    'max-gaps': total.gaps,
    'max-repeats': total.repeats,
    'max-reconnects': total.reconnects,
    'max-failed': total.failed,
    'max-p99': latency.percentileMs(0.99),
    'min-events': total.events,
  }
  return limits.flatMap(({ name, limit }) => {
    const value = values[name] ?? 0
    const isKept = name.startsWith('max') ? value <= limit : value >= limit
    return isKept ? [] : [`--${name} ${limit} is not kept: it is ${value}`]
  })
}
