import type { ReconnectData } from '@trpc-sse/protocol'

/** Serves the stream on one connection, in either mode. */
export interface StreamHandler {
  /** The paths of its subscriptions, dotted. */
  paths(): readonly string[]
  /** How many subscriptions it has. */
  subscriptionCount(): number
  /** Shows the client that the connection is alive. */
  heartbeat(): void
  /** Asks the client to open a new stream in place of this one, after so many milliseconds. */
  reconnect(data: ReconnectData, retryMs: number): void
  /** Ends its subscriptions: the connection is closed. */
  close(): void
}
