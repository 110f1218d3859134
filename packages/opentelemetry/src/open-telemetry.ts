import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import type { Trace } from '@trpc-sse/protocol'
import { clientMetrics, type DeliveryMetrics, deliveryMetrics, serverMetrics } from './metrics.ts'
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
 * metrics and spans. Register the SDK first. All functions of one meter provider count together.
 *
 * It throws what the SDK throws, after every instrument was tried.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Trace {
  const { deliveries, others } = metricsOf(options.meterProvider ?? metrics.getMeterProvider())
  const tracer = (options.tracerProvider ?? trace).getTracer(scope)
  const all = [...others, spans(tracer)]
  const record: Trace = (step, facts) => {
    // The steps of each delivery come first, and nothing else handles them.
    const handle = deliveries.handlers[step]
    if (handle) return handle(facts)
    const failures: unknown[] = []
    for (const handlers of all) {
      try {
        handlers[step]?.(facts)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
  return Object.assign(record, { countOf: deliveries.countOf })
}

/** The handlers that record metrics. */
interface MetricHandlers {
  readonly deliveries: DeliveryMetrics
  readonly others: readonly StepHandlers[]
}

/**
 * The metrics of each meter provider, for all copies of this package in the process. A gauge has one
 * value: two sets of metrics would overwrite each other.
 */
const sharedKey = Symbol.for('@trpc-sse/opentelemetry/1/metrics')

function metricsOf(provider: MeterProvider): MetricHandlers {
  const shared = globalThis as { [sharedKey]?: WeakMap<MeterProvider, MetricHandlers> }
  shared[sharedKey] ??= new WeakMap()
  const known = shared[sharedKey].get(provider)
  if (known) return known
  const meter = provider.getMeter(scope)
  const created: MetricHandlers = {
    deliveries: deliveryMetrics(meter),
    others: [...serverMetrics(meter), clientMetrics(meter)],
  }
  shared[sharedKey].set(provider, created)
  return created
}
