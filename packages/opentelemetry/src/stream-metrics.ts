import type { Meter } from '@opentelemetry/api'
import type { TracedRefusal } from '@trpc-sse/protocol'
import { attributes } from './names.ts'
import type { StepHandlers } from './step-handlers.ts'

/** Creates the handlers that count streams and subscriptions that are open. */
export function openMetrics(meter: Meter): StepHandlers {
  const streams = meter.createUpDownCounter('trpc_sse.streams', {
    description: 'Open streams.',
    unit: '{stream}',
  })
  const subscriptions = meter.createUpDownCounter('trpc_sse.subscriptions', {
    description: 'Running subscriptions.',
    unit: '{subscription}',
  })
  /**
   * The number of subscriptions of each open stream. A listener that starts late, or pauses, misses
   * steps. So an end doesn't count if its start was missed.
   */
  const open = new Map<number, number>()
  return {
    opened({ stream }) {
      if (open.has(stream)) return
      open.set(stream, 0)
      streams.add(1)
    },
    closed({ stream }) {
      const running = open.get(stream)
      if (running === undefined) return
      open.delete(stream)
      streams.add(-1)
      if (running > 0) subscriptions.add(-running)
    },
    started(facts) {
      const running = 'stream' in facts ? open.get(facts.stream) : undefined
      if (!('stream' in facts) || running === undefined) return
      open.set(facts.stream, running + 1)
      subscriptions.add(1)
    },
    ended({ stream }) {
      const running = open.get(stream) ?? 0
      if (running === 0) return
      open.set(stream, running - 1)
      subscriptions.add(-1)
    },
  }
}

/** Creates the handlers that count what goes wrong with streams. */
export function incidentMetrics(meter: Meter): StepHandlers {
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

function aboutRefusal({ code, limit }: TracedRefusal) {
  return { [attributes.error]: code, ...(limit !== undefined && { [attributes.limit]: limit }) }
}
