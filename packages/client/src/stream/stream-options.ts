import type { Clock, DecodedMessage } from '@trpc-sse/protocol'
import type { Receive } from '../transport/attempt.ts'
import type { Fetch } from '../transport/fetch.ts'
import type { ReadErrorBody } from '../transport/response.ts'
import type { Frame, SubscriptionFrame } from '../wire/frame.ts'
import type { Endpoint, HttpRequest } from '../wire/request.ts'
import type { Device } from './device.ts'
import type { CheckedRetry } from './retry-policy.ts'
import type { StreamState } from './state.ts'

/** What all streams of a link have in common. */
export interface StreamSettings {
  readonly clock: Clock
  readonly fetch: Fetch
  /** Used in place of `fetch`, in single mode. */
  readonly receive: Receive | undefined
  readonly device: Device
  readonly retry: CheckedRetry
  readonly connectTimeoutMs: number
  /** Used in place of what the server announces. */
  readonly inactivityTimeoutMs: number | undefined
  readonly hiddenTimeoutMs: number
}

/** One connection, as a mode of the protocol uses it. */
export interface ModeConnection {
  /**
   * Writes the request for everything that is wanted now, on a stream of this maximum duration, if
   * there is one.
   */
  write(endpoint: Endpoint, maxDurationMs: number | undefined): HttpRequest
  /** The connection is open. */
  opened?(connectionId: string | undefined): void
  /** Takes a frame of a subscription; returns whether the subscription got further. */
  receive(frame: SubscriptionFrame): boolean
  /** The connection is gone, with an error if it failed. */
  lost(error: unknown): void
}

/** A mode of the protocol, and what a stream reports to it. */
export interface StreamOptions extends StreamSettings {
  readonly endpoint: () => Promise<Endpoint>
  /** Creates the mode's part of one more connection. At most two are there at a time. */
  readonly connect: () => ModeConnection
  /** Translates a message. */
  readonly read: (message: DecodedMessage) => readonly Frame[]
  readonly readErrorBody: ReadErrorBody
  /** The handover that the client asked for was refused; the previous connection goes on. */
  readonly onRefused: (error: unknown) => void
  /** The server has asked to wait before another connection. */
  readonly onRetryAsked: () => void
  readonly onEnded: (state: StreamState) => void
}
