import type { Attributes, Histogram, Meter } from '@opentelemetry/api'
import { type DeliveryCount, eventTimeMs, isEventId } from '@trpc-sse/protocol'
import { behindMetrics } from './behind-metrics.ts'
import { attributes, system } from './names.ts'
import type { StepHandlers } from './step-handlers.ts'
import { incidentMetrics, openMetrics } from './stream-metrics.ts'

/**
 * Bucket boundaries in seconds. Those from 5 ms are what the conventions advise for the duration of
 * operations. Most of ours are shorter.
 */
const durations = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

/** Creates a histogram of durations in seconds. */
function durationOf(meter: Meter, name: string, description: string): Histogram {
  return meter.createHistogram(name, {
    description,
    unit: 's',
    advice: { explicitBucketBoundaries: durations },
  })
}

/** Creates the handlers that record what happens on a server. */
export function serverMetrics(meter: Meter): readonly StepHandlers[] {
  return [storeMetrics(meter), openMetrics(meter), incidentMetrics(meter), behindMetrics(meter)]
}

function storeMetrics(meter: Meter): StepHandlers {
  const operations = durationOf(
    meter,
    'messaging.client.operation.duration',
    'How long publishing and reading take.',
  )
  const stored = meter.createCounter('messaging.client.sent.messages', {
    description: 'Published events that were stored.',
    unit: '{message}',
  })
  return {
    stored({ channel, ids, duplicate, tookMs }) {
      const about = aboutChannel(channel, 'publish', 'send')
      operations.record(tookMs / 1_000, about)
      if (!duplicate) stored.add(ids.length, about)
    },
    read({ channel, cause, tookMs }) {
      const about = { ...aboutChannel(channel, 'read', 'receive'), [attributes.cause]: cause }
      operations.record(tookMs / 1_000, about)
    },
  }
}

function aboutChannel(channel: string, operation: string, type: string): Attributes {
  return {
    [attributes.system]: system,
    [attributes.operation]: operation,
    [attributes.operationType]: type,
    [attributes.destination]: channel,
  }
}

/** The handlers that record what is sent to clients, and the counts of deliveries. */
export interface DeliveryMetrics {
  readonly handlers: StepHandlers
  countOf(path: string): DeliveryCount
}

/** Creates the handlers that record what is sent to clients. */
export function deliveryMetrics(meter: Meter): DeliveryMetrics {
  // There is one delivery for each subscriber of an event. So they are only counted, and reported
  // when the metrics are collected.
  const sent = new Map<string, DeliveryCount>()
  const countOf = (path: string): DeliveryCount => {
    const count = sent.get(path) ?? { events: 0, bytes: 0 }
    sent.set(path, count)
    return count
  }
  const observe = (
    name: string,
    about: { readonly description: string; readonly unit: string },
    measure: (sent: DeliveryCount) => number,
  ): void =>
    meter.createObservableCounter(name, about).addCallback((result) => {
      for (const [path, counts] of sent)
        result.observe(measure(counts), { [attributes.path]: path })
    })
  observe(
    'trpc_sse.sent',
    { description: 'Events and values that were sent to clients.', unit: '{event}' },
    ({ events }) => events,
  )
  observe(
    'trpc_sse.sent.size',
    { description: 'The size of these events and values on the wire.', unit: 'By' },
    ({ bytes }) => bytes,
  )
  const latency = durationOf(
    meter,
    'trpc_sse.publish_to_socket.duration',
    'From the time in the id of an event until its first client is sent it.',
  )
  const handlers: StepHandlers = {
    // Only a function that calls this one is called with `sent`: it has no `countOf`.
    sent({ path, bytes }) {
      const count = countOf(path)
      count.events += 1
      count.bytes += bytes
    },
    framed({ id, subscribedAt }) {
      const ageS = ageOf(id, subscribedAt)
      if (ageS !== undefined) latency.record(ageS)
    },
  }
  return { handlers, countOf }
}

/**
 * Returns the age of an event in seconds. Returns `undefined` for an event that is older than the
 * subscription, which says nothing about delays, and for an id without a time. The clock of the
 * store may be ahead of this one.
 */
function ageOf(id: string | undefined, subscribedAt = 0): number | undefined {
  if (id === undefined || !isEventId(id)) return undefined
  const publishedAt = eventTimeMs(id)
  return publishedAt < subscribedAt ? undefined : Math.max(0, Date.now() - publishedAt) / 1_000
}

/** Creates the handlers that record what happens in a client. */
export function clientMetrics(meter: Meter): StepHandlers {
  const latency = durationOf(
    meter,
    'trpc_sse.publish_to_handler.duration',
    'From the time in the id of an event until a handler has returned.',
  )
  const reconnects = meter.createCounter('trpc_sse.client.reconnects', {
    description: 'Times that a subscription has lost its stream.',
    unit: '{reconnect}',
  })
  const gaps = meter.createCounter('trpc_sse.client.gaps', {
    description: 'Gaps that subscriptions have handled.',
    unit: '{gap}',
  })
  return {
    delivered({ path, id, subscribedAt }) {
      const ageS = ageOf(id, subscribedAt)
      if (ageS !== undefined) latency.record(ageS, { [attributes.path]: path })
    },
    reconnecting: ({ path }) => reconnects.add(1, { [attributes.path]: path }),
    gap(facts) {
      if ('input' in facts) gaps.add(1, { [attributes.path]: facts.path })
    },
  }
}
