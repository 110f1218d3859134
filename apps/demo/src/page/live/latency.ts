import { afterFrame } from './frame.ts'
import { createStore } from './store.ts'

const kept = 90
const arrived: number[] = []

/** How long the newest events took from publish to the screen, in milliseconds, oldest first. */
export const latencies = createStore<readonly number[]>([])

/** Starts to measure an event that was published at a moment (milliseconds since 1970); what it changes is on the screen after the next frame. */
export function measure(publishedAt: number): void {
  // A hidden page shows nothing.
  if (document.hidden) return
  arrived.push(publishedAt)
  afterFrame(record)
}

function record(): void {
  const now = Date.now()
  // Two clocks that differ a little must not give a time below zero.
  const measured = arrived.splice(0).map((publishedAt) => Math.max(0, now - publishedAt))
  if (measured.length > 0) latencies.set([...latencies.get(), ...measured].slice(-kept))
}
