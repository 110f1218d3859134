export type { Trace, TraceFacts, TraceStep } from '@trpc-sse/protocol'
export { traceLink } from './trace-link.ts'
