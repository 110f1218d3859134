import type { EventId } from './event-id.ts'
import type { GapReason, ReconnectReason } from './messages.ts'

/** A log, in the facts of a step. */
export interface TracedLog {
  /** The name of the channel, run or state channel. */
  readonly channel: string
  /** The log's key: the name and the params as JSON. It may contain personal data. */
  readonly log: string
}

/** A subscription of a server link, in the facts of a step. */
export interface TracedSubscription {
  /** The number of the stream in its process. */
  readonly stream: number
  /** The key of the subscription on a shared stream; `''` if it is alone. */
  readonly key: string
  /** The procedure's path. */
  readonly path: string
}

/** A subscription of a client link, in the facts of a step. */
export interface TracedCall {
  /** The procedure's path. */
  readonly path: string
  readonly input: unknown
}

/** An event at a client's subscription, in the facts of a step. */
export interface TracedEvent extends TracedCall {
  /** When the app subscribed, in milliseconds since 1970. Older events are replayed. */
  readonly subscribedAt: number
  readonly id: string | undefined
  /** The value that the handler gets. */
  readonly data: unknown
}

/** Why a log was read. */
export type ReadCause =
  /** A process opens a channel. */
  | 'open'
  /** A process compares its position with the log, or has missed a notification. */
  | 'check'
  /** Subscriptions are behind the events in memory. */
  | 'replay'
  /** The app asked, or a snapshot or a value was needed. */
  | 'query'

/** The facts of a step that took time. */
export interface TracedCost {
  /** How long the step took, in milliseconds. */
  readonly tookMs: number
}

/** Why something was refused, or has failed, in the facts of a step. */
export interface TracedRefusal {
  /** The code of the error. */
  readonly code: string
  readonly message: string
  /** The option or the rate limiter whose limit is reached, such as `connectionsPerKey`. */
  readonly limit?: string
}

/** The facts of each step on an event's way, from `publish` to a client's handler. */
export interface EventTrace {
  /** The backend has stored the events of one call. Traced in the async context of that call. */
  readonly stored: TracedLog &
    TracedCost & {
      readonly ids: readonly EventId[]
      /** The size of the payloads, in characters. */
      readonly characters: number
      /** Whether the idempotency key was known, so that nothing was stored. */
      readonly duplicate: boolean
    }
  /** A process was notified of an event. */
  readonly heard: TracedLog & { readonly id: EventId }
  /** An event is in a process's window, where subscriptions read it. */
  readonly windowed: TracedLog & { readonly id: EventId; readonly source: 'notification' | 'read' }
  /** A process has read events of a log. */
  readonly read: TracedLog & TracedCost & { readonly cause: ReadCause; readonly events: number }
  /** An event was written as a frame, which all its subscriptions share. */
  readonly framed: {
    readonly id: string
    readonly bytes: number
    /**
     * When the first subscription that gets it has started, in milliseconds since 1970. Older events
     * are replayed. `undefined` if nobody traced then.
     */
    readonly subscribedAt: number | undefined
  }
  /** An event or a value was passed on to the connection of a client. */
  readonly sent: TracedSubscription & { readonly id: string | undefined; readonly bytes: number }
  /** An event has arrived at a client's subscription, and was decoded. */
  readonly received: TracedEvent
  /** The handler of a client's subscription has returned. */
  readonly delivered: TracedEvent
}

/** The facts of each step of a stream or a subscription. */
export interface StreamTrace {
  /** A stream is open. */
  readonly opened: { readonly stream: number; readonly key: string | undefined }
  /** A stream is closed, for any reason. */
  readonly closed: { readonly stream: number; readonly key: string | undefined }
  /** A subscription has started. */
  readonly started: (TracedSubscription | TracedCall) & { readonly lastEventId: string | undefined }
  /** A subscription has ended, on its own or with its stream. */
  readonly ended: TracedSubscription
  /** A subscription has failed. Its client gets the error. */
  readonly failed: (TracedSubscription & TracedRefusal) | (TracedCall & { readonly error: unknown })
  /** A subscription was told that events are missing. */
  readonly gap: (TracedSubscription | TracedCall) & {
    readonly reason: GapReason
    readonly lastEventId: string
  }
  /** A client reads too slowly: nothing more is sent until it has read the bytes that wait. */
  readonly behind: TracedSubscription & { readonly bytesWaiting: number }
  /** A client that was behind has been sent everything that there is. */
  readonly 'caught-up': TracedSubscription
  /** A client was asked to continue on another stream. */
  readonly moved: { readonly stream: number; readonly reason: ReconnectReason }
  /**
   * A stream, a subscription or a publish was refused. `path` and `channel` say what it was for, if
   * that was known.
   */
  readonly refused: TracedRefusal & { readonly path?: string; readonly channel?: string }
  /** A client's subscription has lost its stream, and tries again. */
  readonly reconnecting: TracedCall & { readonly error: unknown }
}

/** The facts of each step. */
export interface TraceFacts extends EventTrace, StreamTrace {}

/** The name of a step. */
export type TraceStep = keyof TraceFacts

/**
 * Called at each step. It must be fast, because it runs on the way of every event. What it throws,
 * or rejects with, goes to the console on a server. In a client, it is reported like an uncaught
 * error.
 */
export interface Trace {
  <TStep extends TraceStep>(step: TStep, facts: TraceFacts[TStep]): unknown
  /**
   * Returns the count in which a server adds up what it sends to the subscriptions of a procedure,
   * from its start on. With this method, the function isn't called with `sent`, which would take
   * time for each delivery.
   */
  countOf?(path: string): DeliveryCount
}

/** What a server has sent to the subscriptions of a procedure. */
export interface DeliveryCount {
  /** The number of events and values. */
  events: number
  /** Their size on the wire. */
  bytes: number
}
