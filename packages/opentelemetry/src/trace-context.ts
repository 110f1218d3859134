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
  const [, traceId, spanId, flags] = pattern.exec(carriedText(event)) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED
  const span: SpanContext = { traceId, spanId, traceFlags, isRemote: true }
  return isSpanContextValid(span) ? span : undefined
}

/** How many wrappers an event may have: `live` and runs wrap each one. */
const maxWrappers = 2

/** Returns the `traceparent` of an event, whose publisher may be hostile. */
function carriedText(event: unknown): string {
  let inner = event
  for (let wrappers = 0; wrappers <= maxWrappers; wrappers += 1) {
    const { traceparent, type, data } = Object(inner)
    if (typeof traceparent === 'string') return traceparent
    if (typeof type !== 'string') return ''
    inner = data
  }
  return ''
}
