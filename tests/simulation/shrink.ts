import { only } from './batch.ts'
import { type Outcome, simulate } from './simulate.ts'

/** The most runs that a shrink may take. */
const mostRuns = 400

/**
 * Drops steps of a failing plan, in ever smaller groups, for as long as it fails in the same way.
 * Returns the smallest run that still does.
 */
export async function shrink(failed: Outcome): Promise<Outcome> {
  const [first] = failed.violations
  if (!first) return failed
  let smallest = failed
  let runs = 0
  for (let size = failed.plan.steps.length >> 1; size >= 1; size = size === 1 ? 0 : size >> 1) {
    // From the end: what happens late is seldom the reason.
    for (let end = smallest.plan.steps.length; end > 0 && runs < mostRuns; end -= size) {
      const { steps } = smallest.plan
      const dropped = new Set(steps.slice(Math.max(0, end - size), end).map(({ id }) => id))
      const kept = steps.map(({ id }) => id).filter((id) => !dropped.has(id))
      const outcome = await simulate(only(smallest.plan, new Set(kept)))
      runs += 1
      if (outcome.violations.some(({ kind }) => kind === first.kind)) smallest = outcome
    }
  }
  return smallest
}
