import { hash } from './chance.ts'
import { isFault } from './faults.ts'
import { type Plan, planFor } from './plan.ts'
import { type Outcome, simulate } from './simulate.ts'

/** Figures of a number of seeds. */
export interface Totals {
  readonly seeds: number
  readonly simulatedMs: number
  readonly published: number
  readonly delivered: number
  /** How often each kind of fault happened. */
  readonly faults: Counts
  /** How often the packages took each rare branch. */
  readonly rare: Counts
  /** Names what happened in all runs. */
  readonly fingerprint: string
}

/** How often each of several things happened. */
export type Counts = Readonly<Record<string, number>>

/** What a number of seeds have shown. */
export interface BatchResult {
  readonly totals: Totals
  /** Runs in which a promise was not kept. */
  readonly failures: readonly Outcome[]
}

/** Options of {@link runSeeds}. */
export interface BatchOptions {
  readonly from: number
  readonly seeds: number
  /** How many failing seeds are enough. */
  readonly maxFailures: number
  /** Each seed that this divides is run twice: both runs must be the same. */
  readonly repeatEvery: number
  /** Leaves out the seeds that have another store. */
  readonly store?: Plan['store'] | undefined
}

/** Runs seed after seed, until enough of them have failed. */
export async function runSeeds(options: BatchOptions): Promise<BatchResult> {
  const { from, maxFailures, repeatEvery, store } = options
  const failures: Outcome[] = []
  let totals = noTotals
  while (totals.seeds < options.seeds && failures.length < maxFailures) {
    const seed = from + totals.seeds
    if (store !== undefined && planFor(seed).store !== store) {
      totals = { ...totals, seeds: totals.seeds + 1 }
      continue
    }
    const outcome = await runSeed(seed, repeatEvery)
    if (outcome.violations.length > 0) failures.push(outcome)
    totals = sumOf(totals, totalsOf(outcome))
  }
  return { totals, failures }
}

/** Runs a seed. If `repeatEvery` divides it, it is run twice, and traced. */
export async function runSeed(seed: number, repeatEvery: number): Promise<Outcome> {
  const plan = planFor(seed)
  const isRepeated = seed % repeatEvery === 0
  const outcome = await simulate(plan, isRepeated)
  if (!isRepeated || outcome.violations.length > 0) return outcome
  const difference = differenceOf(outcome, await simulate(plan))
  if (difference === undefined) return outcome
  const violation = { kind: 'repeat', text: difference, atMs: 0, actor: 'world', about: [] }
  return { ...outcome, violations: [violation] }
}

/** Says where two runs of a plan go different ways. */
function differenceOf({ world: { trace } }: Outcome, { world }: Outcome): string | undefined {
  if (world.trace.fingerprint() === trace.fingerprint()) return undefined
  const [one, other] = [trace.lines(), world.trace.lines()]
  const at = one.findIndex((line, i) => line !== other[i])
  return `it is not repeatable: it said "${one[at]}", and then "${other[at]}"`
}

const noTotals: Totals = {
  seeds: 0,
  simulatedMs: 0,
  published: 0,
  delivered: 0,
  faults: {},
  rare: {},
  fingerprint: '',
}

function totalsOf({ plan, simulatedMs, world }: Outcome): Totals {
  const { publisher, follows, trace } = world
  const faults: Record<string, number> = {}
  for (const step of plan.steps) if (isFault(step)) faults[step.kind] = (faults[step.kind] ?? 0) + 1
  return {
    seeds: 1,
    simulatedMs,
    published: publisher.published.reduce((sum, { events }) => sum + events.length, 0),
    delivered: follows.flatMap(({ told }) => told).filter(({ kind }) => kind === 'data').length,
    faults,
    rare: world.rare.taken,
    fingerprint: trace.fingerprint(),
  }
}

/** Adds figures up. */
export function sumOf(one: Totals, other: Totals): Totals {
  return {
    seeds: one.seeds + other.seeds,
    simulatedMs: one.simulatedMs + other.simulatedMs,
    published: one.published + other.published,
    delivered: one.delivered + other.delivered,
    faults: sumOfCounts(one.faults, other.faults),
    rare: sumOfCounts(one.rare, other.rare),
    fingerprint: hash(`${one.fingerprint} ${other.fingerprint}`).toString(16),
  }
}

function sumOfCounts(one: Counts, other: Counts): Counts {
  const sum: Record<string, number> = { ...one }
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count
  return sum
}

/** Runs a seed with some of its steps only. */
export function simulateOnly(seed: number, keep: ReadonlySet<number>): Promise<Outcome> {
  return simulate(only(planFor(seed), keep))
}

/** Returns a plan with these steps only. */
export function only(plan: Plan, keep: ReadonlySet<number>): Plan {
  return { ...plan, steps: plan.steps.filter(({ id }) => keep.has(id)) }
}
