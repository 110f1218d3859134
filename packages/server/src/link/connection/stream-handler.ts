import type { ReconnectData } from '@trpc-sse/protocol'

/** Serves the stream on one connection, in either mode. */
export interface StreamHandler {
  /** Returns the dot-separated paths of the stream's subscriptions. */
  paths(): readonly string[]
  /** Returns the number of the stream's subscriptions. */
  subscriptionCount(): number
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
