import { parseArgs } from 'node:util'
import { type ScenarioName, scenarioNames } from './scenarios/scenario.ts'
import { type SizeName, type Sizes, sizes } from './sizes.ts'
import { type TargetName, targetNames } from './targets/target.ts'

/** The options of the command line. */
export interface BenchOptions {
  readonly size: SizeName
  readonly sizes: Sizes
  readonly scenarios: readonly ScenarioName[]
  readonly targets: readonly TargetName[]
  /** Another Node for the measured processes. */
  readonly node: string | undefined
  /** The file for the results. CPU profiles are written beside it. */
  readonly out: string
}

/** The usage message. */
export const usage = `npm run bench -- [options]
  --quick              one short round of everything
  --smoke              the least of everything: whether it works, not how fast
  --scenarios a,b      of ${scenarioNames.join(', ')} (all)
  --targets a,b        of ${targetNames.join(', ')} (all)
  --subscribers 1,100  numbers of subscribers in fan-out (${sizes.normal.subscribers})
  --rounds n           rounds to take medians over (${sizes.normal.rounds})
  --load-ms n          how long each load lasts (${sizes.normal.loadMs})
  --node path          another Node for the measured processes, of version 20 or newer
  --out file           where the JSON goes (results/latest.json)`

/** Reads the command line. Throws for unknown options and values. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      scenarios: { type: 'string', default: scenarioNames.join(',') },
      targets: { type: 'string', default: targetNames.join(',') },
      subscribers: { type: 'string' },
      rounds: { type: 'string' },
      'load-ms': { type: 'string' },
      node: { type: 'string' },
      out: { type: 'string', default: `${import.meta.dirname}/results/latest.json` },
    },
  })
  const { subscribers, rounds, 'load-ms': loadMs } = values
  const size = values.smoke ? 'smoke' : values.quick ? 'quick' : 'normal'
  return {
    size,
    sizes: {
      ...sizes[size],
      ...(subscribers !== undefined && { subscribers: subscribers.split(',').map(wholeNumber) }),
      ...(rounds !== undefined && { rounds: wholeNumber(rounds) }),
      ...(loadMs !== undefined && { loadMs: wholeNumber(loadMs) }),
    },
    scenarios: values.scenarios.split(',').map((text) => oneOf('scenario', scenarioNames, text)),
    targets: values.targets.split(',').map((text) => oneOf('target', targetNames, text)),
    node: values.node,
    out: values.out,
  }
}

function oneOf<T extends string>(what: string, known: readonly T[], text: string): T {
  const name = known.find((one) => one === text)
  if (name !== undefined) return name
  throw new Error(`There is no ${what} "${text}". Choose from ${known.join(', ')}.`)
}

function wholeNumber(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new Error(`"${text}" is not a whole number from 1 on.`)
}
