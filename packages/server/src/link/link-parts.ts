import type { AnyTRPCRouter } from '@trpc/server'
import type { Clock, ConnectedData } from '@trpc-sse/protocol'
import type { ChannelsInternals } from '../channels.ts'
import type { Tracer } from '../user-code/tracer.ts'
import type { WireMode } from './call/subscription-call.ts'
import type { Admission } from './connection/admission.ts'
import type { Connections } from './connection/connections.ts'
import type { Limiter } from './connection/limiter.ts'
import type { RateLimit } from './connection/token-bucket.ts'
import type { Fleet } from './fleet.ts'
import type { Inspection } from './inspection.ts'
import type { MultiplexedStreams } from './multiplexed/streams.ts'
import type { AddressReader } from './request/address.ts'
import type { Bodies } from './request/body.ts'
import type { KeyLimits } from './usage/key-limits.ts'

/** The parts of a link that serve its streams. */
export interface LinkParts {
  readonly router: AnyTRPCRouter
  readonly clock: Clock
  readonly connections: Connections
  /** The instances that share the channels' backend; `undefined` for a link without channels. */
  readonly fleet: Fleet | undefined
  readonly limiter: Limiter
  readonly tracer: Tracer
  /** The inspector; `undefined` if there is none. */
  readonly inspection: Inspection | undefined
  /** The internals of the link's channels; `undefined` for a link without channels. */
  readonly channels: ChannelsInternals | undefined
  readonly keys: KeyLimits
  readonly admission: Admission
  readonly bodies: Bodies
  readonly addressOf: AddressReader
  readonly streams: MultiplexedStreams
  readonly single: WireMode
  readonly multiplexed: WireMode
  /** The mean time that clients wait before they reconnect, in milliseconds. */
  readonly retryMs: number
  /** The settings that clients receive when they connect. */
  readonly clientOptions: ConnectedData
  /** The rate limit for changes of one stream's set. */
  readonly changes: RateLimit
  /** The maximum number of subscriptions on one connection. */
  readonly subscriptionsPerConnection: number
  /** Whether subscriptions are turned off (`sse.enabled`). */
  readonly isOff: boolean
  /** Whether streams end once there is nothing left to send (`sse.emitAndEndImmediately`). */
  readonly emitsAndEnds: boolean
}
