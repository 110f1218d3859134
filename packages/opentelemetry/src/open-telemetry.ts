import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import type { Trace } from '@trpc-sse/protocol'
import { clientMetrics, deliveryMetrics, serverMetrics } from './metrics.ts'
import { spans } from './spans.ts'
import type { StepHandlers } from './step-handlers.ts'

/** Options of {@link openTelemetry}. */
export interface OpenTelemetryOptions {
  /**
   * Provides the meter.
   *
   * @default the global one
   */
  readonly meterProvider?: MeterProvider
  /**
   * Provides the tracer.
   *
   * @default the global one
   */
  readonly tracerProvider?: TracerProvider
}

const scope = '@trpc-sse/opentelemetry'

/**
 * Returns a function for `trace` of `createChannels`, and for `traceLink` of the client. It records
 * metrics and spans. Register the SDK first. Call this once in a process: two would count twice.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Trace {
  const meter = (options.meterProvider ?? metrics).getMeter(scope)
  const tracer = (options.tracerProvider ?? trace).getTracer(scope)
  const all: readonly StepHandlers[] = [
    ...serverMetrics(meter),
    clientMetrics(meter),
    spans(tracer),
  ]
  // The steps of each delivery come first, and nothing else handles them.
  const deliveries = deliveryMetrics(meter)
  return (step, facts) => {
    const handle = deliveries[step]
    if (handle) return handle(facts)
    for (const handlers of all) handlers[step]?.(facts)
  }
}
