import { createHandle } from './handle.ts'
import type { Publisher } from './publisher.ts'

/** Publishes nothing, but checks a log's position, as each open channel does from time to time. */
export function createPublisher(url: string): Publisher {
  const ticks = createHandle(url)
  return { size: 1, publish: () => ticks.lastEventId() }
}
