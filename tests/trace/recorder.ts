import type { Trace, TraceFacts, TraceStep } from '@trpc-sse/protocol'

/** A step that was traced. */
export type Step = { [TStep in TraceStep]: readonly [TStep, TraceFacts[TStep]] }[TraceStep]

/** Records the steps of a trace, in order. */
export function recordSteps(): { readonly steps: Step[]; readonly trace: Trace } {
  const steps: Step[] = []
  const trace: Trace = (step, facts) => void steps.push([step, facts] as unknown as Step)
  return { steps, trace }
}

/** The steps with this name. */
export function stepsNamed<TStep extends TraceStep>(
  steps: readonly Step[],
  name: TStep,
): Array<TraceFacts[TStep]> {
  return steps.flatMap(([step, facts]) => (step === name ? [facts as TraceFacts[TStep]] : []))
}
