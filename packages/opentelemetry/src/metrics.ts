import type { Attributes, Histogram, Meter, ObservableResult } from '@opentelemetry/api'
import {
  type EventId,
  eventTimeMs,
  isEventId,
  type TracedRefusal,
  type TracedSubscription,
} from '@trpc-sse/protocol'
import { attributes, system } from './names.ts'
import type { StepHandlers } from './step-handlers.ts'

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
  return [storeMetrics(meter), streamMetrics(meter), behindMetrics(meter)]
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

function streamMetrics(meter: Meter): StepHandlers {
  const streams = meter.createUpDownCounter('trpc_sse.streams', {
    description: 'Open streams.',
    unit: '{stream}',
  })
  const subscriptions = meter.createUpDownCounter('trpc_sse.subscriptions', {
    description: 'Running subscriptions.',
    unit: '{subscription}',
  })
  const gaps = meter.createCounter('trpc_sse.gaps', {
    description: 'Gaps that subscriptions were told of.',
    unit: '{gap}',
  })
  const refused = meter.createCounter('trpc_sse.refused', {
    description: 'Streams and publishes that were refused.',
    unit: '{request}',
  })
  const failed = meter.createCounter('trpc_sse.failed', {
    description: 'Subscriptions that failed.',
    unit: '{subscription}',
  })
  const moved = meter.createCounter('trpc_sse.moved', {
    description: 'Streams whose client was asked to continue on another one.',
    unit: '{stream}',
  })
  return {
    opened: () => streams.add(1),
    closed: () => streams.add(-1),
    started(facts) {
      if ('stream' in facts) subscriptions.add(1)
    },
    ended: () => subscriptions.add(-1),
    gap(facts) {
      if ('stream' in facts) gaps.add(1, { [attributes.reason]: facts.reason })
    },
    // Clients choose the paths of requests that are refused or fail, so there may be any number.
    refused: (facts) => refused.add(1, aboutRefusal(facts)),
    failed(facts) {
      if ('stream' in facts) failed.add(1, aboutRefusal(facts))
    },
    moved: ({ reason }) => moved.add(1, { [attributes.reason]: reason }),
  }
}

function aboutRefusal({ code, limit }: TracedRefusal): Attributes {
  return { [attributes.error]: code, ...(limit !== undefined && { [attributes.limit]: limit }) }
}

/** What was sent to the subscriptions of a procedure. */
interface Sent {
  events: number
  bytes: number
}

/** Creates the handlers that record what is sent to clients. */
export function deliveryMetrics(meter: Meter): StepHandlers {
  // There is one `sent` for each subscriber of an event. So only count here, and report when the
  // metrics are collected.
  const sent = new Map<string, Sent>()
  const observe = (
    name: string,
    about: { readonly description: string; readonly unit: string },
    measure: (sent: Sent) => number,
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
  return {
    sent({ path, bytes }) {
      const known = sent.get(path)
      if (known) {
        known.events += 1
        known.bytes += bytes
      } else sent.set(path, { events: 1, bytes })
    },
    framed({ id }) {
      if (isEventId(id)) latency.record(ageOf(id))
    },
  }
}

/** Returns the age of an event in seconds. The clock of the store may be ahead of this one. */
function ageOf(id: EventId): number {
  return Math.max(0, Date.now() - eventTimeMs(id)) / 1_000
}

function behindMetrics(meter: Meter): StepHandlers {
  /** The times since when subscriptions are behind. */
  const behind = new Map<string, number>()
  const observe = (
    name: string,
    { description, unit }: { readonly description: string; readonly unit: string },
    measure: () => number,
  ): void => {
    const gauge = meter.createObservableGauge(name, { description, unit })
    gauge.addCallback((result: ObservableResult) => result.observe(measure()))
  }
  observe(
    'trpc_sse.behind',
    { description: 'Subscriptions whose client reads too slowly.', unit: '{subscription}' },
    () => behind.size,
  )
  observe(
    'trpc_sse.behind.longest',
    { description: 'How long the slowest subscription has been behind.', unit: 's' },
    () => {
      // The map is in the order of the times.
      const [longest] = behind.values()
      return longest === undefined ? 0 : (Date.now() - longest) / 1_000
    },
  )
  const isOver = (facts: TracedSubscription): void => void behind.delete(nameOf(facts))
  return {
    behind(facts) {
      const name = nameOf(facts)
      if (!behind.has(name)) behind.set(name, Date.now())
    },
    'caught-up': isOver,
    ended: isOver,
  }
}

function nameOf({ stream, key }: TracedSubscription): string {
  return `${stream} ${key}`
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
    delivered({ path, id }) {
      if (id !== undefined && isEventId(id)) latency.record(ageOf(id), { [attributes.path]: path })
    },
    reconnecting: ({ path }) => reconnects.add(1, { [attributes.path]: path }),
    gap(facts) {
      if ('input' in facts) gaps.add(1, { [attributes.path]: facts.path })
    },
  }
}
