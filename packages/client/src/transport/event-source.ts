import { RealtimeError } from '@trpc-sse/protocol'
import { prepare, type Receive } from './attempt.ts'

/** The fields that the events of different `EventSource` classes have. */
export interface EventSourceEvent {
  readonly type?: string
  readonly data?: string | null
  readonly lastEventId?: string | null
  /** The HTTP status of a failure, in react-native-sse. */
  readonly xhrStatus?: number
  /** The HTTP status of a failure, in eventsource. */
  readonly code?: number | undefined
  /** The body of such an answer, or the message of a failure. */
  readonly message?: string | undefined
}

/** The part of an `EventSource` that a link uses. */
export interface EventSourceLike {
  addEventListener(type: string, listener: (event: EventSourceEvent) => void): void
  close(): void
}

/**
 * A class like the browser's `EventSource`. Its options contain the `headers`, which it sends if it
 * can.
 */
export type EventSourceConstructor = new (url: string, options: never) => EventSourceLike

/** The link's options for an EventSource. */
export interface EventSourceOptions {
  readonly EventSource?: EventSourceConstructor
  readonly eventSourceOptions?: Readonly<Record<string, unknown>>
  readonly mode?: 'multiplexed' | 'single'
}

/**
 * Returns a function that receives streams over the app's EventSource, if there is one. Throws
 * `INVALID_OPTION`.
 */
export function overEventSource(options: EventSourceOptions): Receive | undefined {
  const { EventSource, mode } = options
  if (EventSource === undefined) return undefined
  if (typeof EventSource !== 'function' || mode === 'multiplexed') {
    const message = `EventSource is ${EventSource}, mode is ${mode}: give a class like the browser's, and no mode.`
    throw new RealtimeError('INVALID_OPTION', message)
  }
  return async (asked, receiver) => {
    const { receiveEvents } = await import('./event-source-names.ts')
    const request = await prepare(asked.endpoint, asked.write, receiver.signal)
    return receiveEvents({ ...options, EventSource, RealtimeError }, request, receiver)
  }
}
