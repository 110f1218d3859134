import { hash } from './chance.ts'
import { type Fault, isFault, type Plan, planFor } from './plan.ts'
import { type Outcome, simulate } from './simulate.ts'

/** What a number of seeds have shown. */
export interface BatchResult {
  readonly seeds: number
  readonly simulatedMs: number
  readonly published: number
  readonly delivered: number
  readonly faults: ReadonlyMap<Fault['kind'], number>
  /** Names what happened in all runs. */
  readonly fingerprint: string
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
  const { from, maxFailures, repeatEvery } = options
  const failures: Outcome[] = []
  const fingerprints: string[] = []
  const faults = new Map<Fault['kind'], number>()
  let seeds = 0
  let simulatedMs = 0
  let published = 0
  let delivered = 0
  while (seeds < options.seeds && failures.length < maxFailures) {
    const seed = from + seeds++
    const plan = planFor(seed)
    if (options.store !== undefined && plan.store !== options.store) continue
    const outcome = await simulate(plan)
    if (outcome.violations.length > 0) failures.push(outcome)
    else if (seed % repeatEvery === 0) await mustRepeat(outcome)
    for (const step of plan.steps)
      if (isFault(step)) faults.set(step.kind, (faults.get(step.kind) ?? 0) + 1)
    simulatedMs += outcome.simulatedMs
    const { publisher, follows, trace } = outcome.world
    fingerprints.push(trace.fingerprint())
    published += publisher.published.reduce((sum, { events }) => sum + events.length, 0)
    for (const { told } of follows)
      delivered += told.reduce((sum, { kind }) => sum + Number(kind === 'data'), 0)
  }
  const fingerprint = hash(fingerprints.join()).toString(16)
  return { seeds, simulatedMs, published, delivered, faults, fingerprint, failures }
}

/** Throws if another run of the same plan goes another way, with the first difference. */
export async function mustRepeat({ plan, world: { trace } }: Outcome): Promise<void> {
  const { world: again } = await simulate(plan)
  if (again.trace.fingerprint() === trace.fingerprint()) return
  const [one, other] = [trace.lines(), again.trace.lines()]
  const at = one.findIndex((line, i) => line !== other[i])
  throw new Error(
    `Seed ${plan.seed} is not repeatable. It said:\n${one[at]}\nand then:\n${other[at]}`,
  )
}

/** Runs a seed with some of its steps only. */
export function simulateOnly(seed: number, keep: ReadonlySet<number>): Promise<Outcome> {
  return simulate(only(planFor(seed), keep))
}

/** Returns a plan with these steps only. */
export function only(plan: Plan, keep: ReadonlySet<number>): Plan {
  return { ...plan, steps: plan.steps.filter(({ id }) => keep.has(id)) }
}
