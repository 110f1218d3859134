import {
  context,
  isSpanContextValid,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api'

/** The W3C trace context of a publish, as a property of an event. */
export interface TraceContext {
  readonly traceparent?: string
}

// https://www.w3.org/TR/trace-context/#traceparent-header
const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/**
 * Returns the current trace context, to spread into an event: `publish({ text, ...activeTrace() })`.
 * The event's schema must allow the property `traceparent`. Without a current span, it is empty.
 *
 * Everybody who gets the event sees the ids of the trace.
 */
export function activeTrace(): TraceContext {
  const span = trace.getSpanContext(context.active())
  if (!span || !isSpanContextValid(span)) return {}
  const flags = span.traceFlags.toString(16).padStart(2, '0')
  return { traceparent: `00-${span.traceId}-${span.spanId}-${flags}` }
}

/** Returns the trace context that an event carries; `undefined` if it carries none. */
export function carriedContext(event: unknown): SpanContext | undefined {
  const { traceparent, type, data } = Object(event)
  // `live` and runs wrap each event.
  if (traceparent === undefined && typeof type === 'string' && data !== undefined)
    return carriedContext(data)
  const [, traceId, spanId, flags] = pattern.exec(String(traceparent)) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED
  const span: SpanContext = { traceId, spanId, traceFlags, isRemote: true }
  return isSpanContextValid(span) ? span : undefined
}
