import { nextFrame } from './animation-frame.ts'
import { createStore } from './store.ts'
import type { Stream } from './subscription.ts'
import type { StreamState } from './subscription-state.ts'

/** An open stream with its state, for whoever looks at all of them. */
export interface StreamReport {
  readonly id: number
  readonly path: string
  readonly state: StreamState<unknown>
}

const open = new Set<Stream>()
const observers = new Set<() => void>()

/** All open streams as they are. */
export const streamReports = createStore<readonly StreamReport[]>([])

/** The streams that are open. */
export function openStreams(): readonly Stream[] {
  return [...open]
}

/** Calls back whenever a stream is opened, closed, lost or live again. */
export function observeConnections(observer: () => void): void {
  observers.add(observer)
}

/** A stream's own word that it was opened. */
export function opened(stream: Stream): void {
  open.add(stream)
  connectionChanged()
  stateChanged()
}

/** A stream's own word that it was closed. */
export function closed(stream: Stream): void {
  open.delete(stream)
  connectionChanged()
  stateChanged()
}

/** A stream's own word that its connection changed. */
export function connectionChanged(): void {
  for (const observer of observers) observer()
}

/** A stream's own word that anything about it changed. */
export function stateChanged(): void {
  nextFrame(report)
}

function report(): void {
  streamReports.set(openStreams().map(({ id, path, now }) => ({ id, path, state: now })))
}
