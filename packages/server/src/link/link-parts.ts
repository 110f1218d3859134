import type { AnyTRPCRouter } from '@trpc/server'
import type { Clock, ConnectedData } from '@trpc-sse/protocol'
import type { WireMode } from './call/subscription-call.ts'
import type { Admission } from './connection/admission.ts'
import type { Connections } from './connection/connections.ts'
import type { Limiter } from './connection/limiter.ts'
import type { RateLimit } from './connection/token-bucket.ts'
import type { MultiplexedStreams } from './multiplexed/streams.ts'
import type { AddressReader } from './request/address.ts'
import type { Bodies } from './request/body.ts'

/** The parts of a link that serve its streams. */
export interface LinkParts {
  readonly router: AnyTRPCRouter
  readonly clock: Clock
  readonly connections: Connections
  readonly limiter: Limiter
  readonly admission: Admission
  readonly bodies: Bodies
  readonly addressOf: AddressReader
  readonly streams: MultiplexedStreams
  readonly single: WireMode
  readonly multiplexed: WireMode
  /** The middle of the time that clients wait before they reconnect, in milliseconds. */
  readonly retryMs: number
  /** What clients are told when they connect. */
  readonly clientOptions: ConnectedData
  /** How often the set of one stream may change. */
  readonly changes: RateLimit
  /** The most subscriptions that one connection may have. */
  readonly subscriptionsPerConnection: number
  /** Whether subscriptions are turned off (`sse.enabled`). */
  readonly isOff: boolean
  /** Whether streams end as soon as nothing is left to send (`sse.emitAndEndImmediately`). */
  readonly emitsAndEnds: boolean
}
