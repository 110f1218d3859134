import type { RareBranch } from '@trpc-sse/protocol'
import { chanceFor } from './chance.ts'
import type { Plan } from './plan.ts'
import type { Trace } from './trace.ts'

/** Chooses for the processes of a run which rare branches their code takes. */
export class RareBranches {
  /** How often each was taken. */
  readonly taken: Partial<Record<RareBranch, number>> = {}
  readonly #plan: Plan
  readonly #trace: Trace

  constructor(plan: Plan, trace: Trace) {
    this.#plan = plan
    this.#trace = trace
  }

  /** Creates the choice of one process. Once the faults are over, it takes none any more. */
  of(name: string, start: number): ((branch: RareBranch) => boolean) | undefined {
    const { rare, overMs, seed } = this.#plan
    if (Object.keys(rare).length === 0) return undefined
    const chance = chanceFor(seed, `rare branches of ${name} ${start}`)
    return (branch) => {
      const probability = rare[branch]
      if (probability === undefined || this.#trace.nowMs >= overMs) return false
      if (!chance.is(probability)) return false
      this.taken[branch] = (this.taken[branch] ?? 0) + 1
      this.#trace.add(name, `takes a rare branch: ${branch}`)
      return true
    }
  }
}
