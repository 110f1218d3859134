import { createHandle } from './handle.ts'
import type { Publisher } from './publisher.ts'

/** `publish` of a channel, with an idempotency key for each event. */
export function createPublisher(url: string): Publisher {
  const ticks = createHandle(url)
  return {
    size: 1,
    publish: async ([event]) =>
      event && ticks.publish(event, { idempotencyKey: `order-${event.n}` }),
  }
}
