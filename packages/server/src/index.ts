export {
  type Clock,
  compareEventIds,
  type EventId,
  elapsedTime,
  isEventId,
  isRealtimeError,
  RealtimeError,
  type RealtimeErrorCode,
  type RealtimeErrorIssue,
  type RealtimeErrorOptions,
  systemClock,
  type TimerOptions,
} from '@trpc-sse/protocol'
export { detached } from './async-context.ts'
export type {
  AppendOptions,
  AppendResult,
  Backend,
  ChannelLog,
  LogListener,
  LogPage,
  ReadBounds,
  ReadFrom,
  ReadOptions,
  ReadRange,
  Retention,
  StoredEvent,
  Unlisten,
} from './backend.ts'
export {
  type Behind,
  type BehindPolicy,
  type ChannelDefinition,
  type ChannelOptions,
  channel,
  type SchemaInput,
} from './channel.ts'
export {
  type AnyChannelDefinition,
  type ChannelFactory,
  type Channels,
  type ChannelsBase,
  type ChannelsOptions,
  createChannels,
  type ErrorContext,
} from './channels.ts'

export type { EventMeta } from './feeds.ts'
export type {
  ChannelHandle,
  History,
  HistoryEvent,
  HistoryRange,
  PublishOptions,
  PublishResult,
} from './handle.ts'
export type { ErrorStage } from './hub.ts'
export type { TrustProxy } from './link/address.ts'
export type { ConnectionInfo } from './link/connection.ts'
export type { DisconnectFilter, DisconnectTarget } from './link/disconnects.ts'
export type { ConnectionLimits } from './link/limits.ts'
export {
  type CreateServerLinkOptions,
  createServerLink,
  type NodeRequest,
  type NodeResponse,
  type RequestOverrides,
  type ServerLink,
  type ServerLinkContextOptions,
  type ServerLinkOptions,
  type ServerLinkStats,
} from './link/server-link.ts'
export type { LiveEvent, LoadSnapshot, LoadSnapshotOptions, SnapshotData } from './live.ts'
export { memoryBackend } from './memory-backend.ts'
export type { ReadLimits } from './reads.ts'
export type { LiveOptions, SubscribeOptions } from './resume.ts'
export { type ChannelSubscription, merge, type SubscriptionEvent } from './subscription.ts'
export type { Stored, Transformer } from './transformer.ts'
export type { WindowLimits } from './window.ts'
