export { type OpenTelemetryOptions, openTelemetry } from './open-telemetry.ts'
export { activeTrace, type TraceContext } from './trace-context.ts'
