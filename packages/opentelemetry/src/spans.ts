import { type Attributes, type Link, SpanKind, type Tracer } from '@opentelemetry/api'
import type { TracedEvent } from '@trpc-sse/protocol'
import { attributes, system } from './names.ts'
import type { StepHandlers } from './step-handlers.ts'
import { carriedContext } from './trace-context.ts'

/**
 * Creates the handlers that record a span for each publish, and one for each event that a client
 * handles if the event carries the context of its publish.
 */
export function spans(tracer: Tracer): StepHandlers {
  /** The times at which events arrived. Both steps of an event have the same object as facts. */
  const arrivals = new WeakMap<TracedEvent, number>()
  return {
    stored({ channel, ids, tookMs }) {
      const nowMs = Date.now()
      const span = tracer.startSpan(`publish ${channel}`, {
        kind: SpanKind.PRODUCER,
        startTime: nowMs - tookMs,
        attributes: {
          ...aboutMessage('publish', 'send'),
          [attributes.destination]: channel,
          ...(ids.length === 1
            ? { [attributes.messageId]: ids[0] }
            : { [attributes.batchCount]: ids.length }),
        },
      })
      span.end(nowMs)
    },
    received: (event) => void arrivals.set(event, Date.now()),
    delivered(event) {
      const { path, id, data } = event
      const startTime = arrivals.get(event) ?? Date.now()
      const carried = carriedContext(data)
      if (!carried) return
      const links: Link[] = [{ context: carried }]
      const about = { ...aboutMessage('process', 'process'), [attributes.path]: path }
      tracer
        .startSpan(`process ${path}`, {
          kind: SpanKind.CONSUMER,
          startTime,
          links,
          attributes: id === undefined ? about : { ...about, [attributes.messageId]: id },
        })
        .end()
    },
  }
}

function aboutMessage(operation: string, type: string): Attributes {
  return {
    [attributes.system]: system,
    [attributes.operation]: operation,
    [attributes.operationType]: type,
  }
}
