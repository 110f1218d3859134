import type { Meter, ObservableResult } from '@opentelemetry/api'
import type { TracedSubscription } from '@trpc-sse/protocol'
import type { StepHandlers } from './step-handlers.ts'

/** Creates the handlers that watch clients that read too slowly. */
export function behindMetrics(meter: Meter): StepHandlers {
  /** For each stream, its subscriptions that are behind, and since when. */
  const behind = new Map<number, Map<string, number>>()
  const observe = (
    name: string,
    about: { readonly description: string; readonly unit: string },
    measure: (times: readonly number[]) => number,
  ): void =>
    meter.createObservableGauge(name, about).addCallback((result: ObservableResult) => {
      result.observe(measure([...behind.values()].flatMap((times) => [...times.values()])))
    })
  observe(
    'trpc_sse.behind',
    { description: 'Subscriptions whose client reads too slowly.', unit: '{subscription}' },
    (times) => times.length,
  )
  observe(
    'trpc_sse.behind.longest',
    { description: 'How long the slowest subscription has been behind.', unit: 's' },
    (times) => {
      const nowMs = performance.now()
      return times.reduce((longest, sinceMs) => Math.max(longest, nowMs - sinceMs), 0) / 1_000
    },
  )
  const isOver = ({ stream, key }: TracedSubscription): void => {
    const times = behind.get(stream)
    times?.delete(key)
    if (times?.size === 0) behind.delete(stream)
  }
  return {
    behind({ stream, key }) {
      const times = behind.get(stream) ?? new Map<string, number>()
      behind.set(stream, times)
      if (!times.has(key)) times.set(key, performance.now())
    },
    'caught-up': isOver,
    ended: isOver,
    closed: ({ stream }) => void behind.delete(stream),
  }
}
