import { createHandle } from './handle.ts'
import type { Publisher } from './publisher.ts'

/** `publishMany` of a channel, a hundred events at a time. */
export function createPublisher(url: string): Publisher {
  const ticks = createHandle(url)
  return { size: 100, publish: (events) => ticks.publishMany(events) }
}
