import type { ReconnectData } from '@trpc-sse/protocol'
import type { ReaderState } from '../../subscription/feed.ts'

/** A subscription of a stream, as the inspector sees it. */
export interface StreamSubscription {
  /** The key of the subscription on a shared stream; `''` if it is alone. */
  readonly key: string
  /** The dot-separated path of the procedure. */
  readonly path: string
  /** The id from which the client would resume; `undefined` until it has one. */
  readonly clientPosition: string | undefined
  /** Whether the client gets snapshots and events; `undefined` if that is unknown. */
  readonly live: boolean | undefined
  /** Where it is in the logs that it reads. Empty if it doesn't read channels. */
  readers(): readonly ReaderState[]
  /** Tells the client about a gap at its position. Returns whether it could be told. */
  reportGap(): boolean
}

/** Serves the stream on one connection, in either mode. */
export interface StreamHandler {
  /** Returns the dot-separated paths of the stream's subscriptions. */
  paths(): readonly string[]
  /** Returns the number of the stream's subscriptions. */
  subscriptionCount(): number
  /** Returns the subscriptions that have started. For the inspector. */
  started(): readonly StreamSubscription[]
  /** Sends the client a sign that the connection is alive. */
  heartbeat(): void
  /** Asks the client to open a new stream in place of this one, after `retryMs`. */
  reconnect(data: ReconnectData, retryMs: number): void
  /**
   * Ends the stream's subscriptions, whose signals abort with the reason. Called when the connection
   * is closed.
   */
  close(reason: DOMException): void
}
