import type { Clock, DecodedMessage } from '@trpc-sse/protocol'
import type { Receive } from '../transport/attempt.ts'
import type { Fetch } from '../transport/fetch.ts'
import type { ReadErrorBody } from '../transport/response.ts'
import type { Frame, SubscriptionFrame } from '../wire/frame.ts'
import type { Endpoint, HttpRequest } from '../wire/request.ts'
import type { Device } from './device.ts'
import type { CheckedRetry } from './retry-policy.ts'
import type { StreamState } from './state.ts'

/** Settings that all streams of a link share. */
export interface StreamSettings {
  readonly clock: Clock
  readonly fetch: Fetch
  /** Replaces `fetch` in single mode. */
  readonly receive: Receive | undefined
  readonly device: Device
  readonly retry: CheckedRetry
  readonly connectTimeoutMs: number
  /** Replaces the time that the server announces. */
  readonly inactivityTimeoutMs: number | undefined
  readonly hiddenTimeoutMs: number
}

/** The part of a connection that depends on the protocol's mode. */
export interface ModeConnection {
  /**
   * Writes the request for everything that is wanted now. `maxDurationMs` limits the stream's
   * duration, if given.
   */
  write(endpoint: Endpoint, maxDurationMs: number | undefined): HttpRequest
  /** The connection is open. */
  opened?(connectionId: string | undefined): void
  /** Takes a frame of a subscription; returns whether the subscription made progress. */
  receive(frame: SubscriptionFrame): boolean
  /** The connection is gone, with an error if it failed. */
  lost(error: unknown): void
}

/** The options of a stream: a mode of the protocol, and callbacks. */
export interface StreamOptions extends StreamSettings {
  readonly endpoint: () => Promise<Endpoint>
  /** Creates the mode's part of another connection. There are at most two at a time. */
  readonly connect: () => ModeConnection
  /** Translates a message. */
  readonly read: (message: DecodedMessage) => readonly Frame[]
  readonly readErrorBody: ReadErrorBody
  /** The handover that the client requested was refused. The previous connection continues. */
  readonly onRefused: (error: unknown) => void
  /** The server has requested a wait before the next connection. */
  readonly onRetryAsked: () => void
  readonly onEnded: (state: StreamState) => void
}
