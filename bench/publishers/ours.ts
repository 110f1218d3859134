import { createHandle } from './handle.ts'
import type { Publisher } from './publisher.ts'

/** `publish` of a channel. */
export function createPublisher(url: string): Publisher {
  const ticks = createHandle(url)
  return { size: 1, publish: async ([event]) => event && ticks.publish(event) }
}
