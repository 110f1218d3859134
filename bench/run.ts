import type { FanOut, Idle } from './measure.ts'
import { measureFanOut, measureIdle } from './measure.ts'
import type { BenchOptions, TargetName } from './options.ts'
import { median } from './stats.ts'

/** The medians of one target: a row of the table. */
export type Medians<T> = { readonly [Name in TargetName]?: T }

/** Everything that was measured. */
export interface Results {
  readonly fanOut: ReadonlyArray<{ readonly subscribers: number; readonly targets: Medians<FanOut> }>
  readonly idle: { readonly connections: number; readonly targets: Medians<Idle> } | undefined
}

type Samples<T> = Map<TargetName, T[]>

/** Measures all targets in turn, round after round, so that whatever else the machine does hits all of them alike. */
export async function runBench(options: BenchOptions, onStep: (what: string) => void): Promise<Results> {
  const { rounds, idleRounds } = options
  const fanOut = options.subscribers.map((subscribers) => ({ subscribers, samples: emptySamples<FanOut>() }))
  const idle = emptySamples<Idle>()
  for (let round = 0; round < rounds; round++) {
    for (const { subscribers, samples } of fanOut) {
      await takeTurns(options, round, samples, (name) => {
        onStep(`round ${round + 1} of ${rounds}: ${name}, ${subscribers} subscribers`)
        return measureFanOut(name, subscribers, options)
      })
    }
  }
  for (let round = 0; options.idle > 0 && round < idleRounds; round++) {
    await takeTurns(options, round, idle, (name) => {
      onStep(`round ${round + 1} of ${idleRounds}: ${name}, ${options.idle} idle connections`)
      return measureIdle(name, options)
    })
  }
  return {
    fanOut: fanOut.map(({ subscribers, samples }) => ({ subscribers, targets: medians(samples) })),
    idle: options.idle > 0 ? { connections: options.idle, targets: medians(idle) } : undefined,
  }
}

/** Measures each target once; every round another one goes first. */
async function takeTurns<T>(
  { targets }: BenchOptions,
  round: number,
  samples: Samples<T>,
  measure: (name: TargetName) => Promise<T>,
): Promise<void> {
  const first = round % targets.length
  for (const name of [...targets.slice(first), ...targets.slice(0, first)]) {
    samples.set(name, [...(samples.get(name) ?? []), await measure(name)])
  }
}

function emptySamples<T>(): Samples<T> {
  return new Map()
}

/** The median of each figure. */
function medians<T extends object>(samples: Samples<T>): Medians<T> {
  const rows = [...samples].map(([name, values]) => {
    const keys = Object.keys(values[0] ?? {})
    const figures = keys.map((key) => [key, median(values.map((value) => Number(value[key as keyof T])))])
    return [name, Object.fromEntries(figures)]
  })
  return Object.fromEntries(rows)
}
