import { RealtimeError } from '@trpc-sse/protocol'
import { prepare, type Receive } from './attempt.ts'

/** What the events of one or the other `EventSource` have. */
export interface EventSourceEvent {
  readonly type?: string
  readonly data?: string | null
  readonly lastEventId?: string | null
  /** The HTTP status of a failure, as react-native-sse says it. */
  readonly xhrStatus?: number
  /** The same, as eventsource says it. */
  readonly code?: number | undefined
  /** The body of such an answer, or what else there is to say of a failure. */
  readonly message?: string | undefined
}

/** What a link uses of an `EventSource`. */
export interface EventSourceLike {
  addEventListener(type: string, listener: (event: EventSourceEvent) => void): void
  close(): void
}

/** A class like the browser's `EventSource`. Its options have the `headers` in them that are to be sent, if it can. */
export type EventSourceConstructor = new (url: string, options: never) => EventSourceLike

/** The options of the link that matter to an EventSource. */
export interface EventSourceOptions {
  readonly EventSource?: EventSourceConstructor
  readonly eventSourceOptions?: Readonly<Record<string, unknown>>
  readonly mode?: 'multiplexed' | 'single'
}

/** Receives streams over the EventSource that the app gives, if it does. Throws `INVALID_OPTION`. */
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
