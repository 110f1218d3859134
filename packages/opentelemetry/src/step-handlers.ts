import type { TraceFacts, TraceStep } from '@trpc-sse/protocol'

/** Functions that handle the facts of steps. */
export type StepHandlers = { readonly [TStep in TraceStep]?: (facts: TraceFacts[TStep]) => void }
