export {
  type Clock,
  compareEventIds,
  type EventId,
  elapsedTime,
  fullJitterMs,
  isEventId,
  isRealtimeError,
  type RareBranch,
  RealtimeError,
  type RealtimeErrorCode,
  type RealtimeErrorIssue,
  type RealtimeErrorOptions,
  systemClock,
  type TimerOptions,
  wait,
} from '@trpc-sse/protocol'
export type {
  AppendOptions,
  AppendResult,
  Backend,
  ChannelLog,
  EntriesPolicy,
  LogListener,
  LogPage,
  ReadBounds,
  ReadFrom,
  ReadOptions,
  ReadRange,
  Retention,
  StoredEvent,
  Unlisten,
} from './backend/backend.ts'
export type {
  ChangeResult,
  EntriesPage,
  EntriesRange,
  EntryCondition,
  EntryUpdate,
  LogChange,
} from './backend/entries.ts'
export { memoryBackend } from './backend/memory.ts'
export { storedBytes } from './backend/stored-bytes.ts'
export {
  type ChannelDefinition,
  type ChannelOptions,
  channel,
  type SchemaInput,
} from './channel/definition.ts'
export type { ChannelHandle } from './channel/handle.ts'
export type { History, HistoryEvent, HistoryRange } from './channel/history.ts'
export type { PresenceOptions, PresenceSettings } from './channel/presence-options.ts'
export type { PublishOptions, PublishResult } from './channel/publish.ts'
export {
  type ChannelFactory,
  type Channels,
  type ChannelsBase,
  createChannels,
  type RunIndex,
} from './channels.ts'
export type {
  AnyChannelDefinition,
  AnyDefinition,
  ChannelsOptions,
  ErrorContext,
} from './channels-options.ts'
export type { Stored, Transformer } from './codec/transformer.ts'
export type { Behind, BehindPolicy } from './hub/behind.ts'
export type { ReadLimits } from './hub/reads.ts'
export type { ErrorStage } from './hub/report.ts'
export type { WindowLimits } from './hub/window.ts'
export type {
  ConnectionInfo,
  DisconnectFilter,
  DisconnectTarget,
} from './link/connection/disconnects.ts'
export type { ConnectionLimits } from './link/connection/limits.ts'
export type { Inspector } from './link/inspection.ts'
export type {
  CreateServerLinkOptions,
  NodeRequest,
  NodeResponse,
  RequestOverrides,
  ServerLinkContextOptions,
  ServerLinkOptions,
} from './link/options.ts'
export type { TrustProxy } from './link/request/address.ts'
export { createServerLink, type ServerLink, type ServerLinkStats } from './link/server-link.ts'
export {
  createRateLimiter,
  type RateLimiter,
  type RateLimiterOptions,
} from './link/usage/rate-limiter.ts'
export type { HeldMember, HoldOptions, Member, Presence } from './presence/handle.ts'
export type { ActiveRun, ActiveRunChange, ActiveRunEvent, ActiveRuns } from './run/active.ts'
export {
  type AnyRunDefinition,
  type RunDefinition,
  type RunFold,
  type RunOptions,
  run,
} from './run/definition.ts'
export type { ProduceCallOptions, RunHandle, RunStatus, StopOptions } from './run/handle.ts'
export type { EndItem, RunEnd, RunItem } from './run/items.ts'
export type { ProduceResult } from './run/producer.ts'
export type { ProduceOptions, ResumeFrom, RunSource } from './run/source.ts'
export type { FollowOptions } from './run/start-wait.ts'
export type { StateChange, StateEntry } from './state/changes.ts'
export {
  type AnyStateChannelDefinition,
  type StateChannelDefinition,
  type StateChannelOptions,
  stateChannel,
} from './state/definition.ts'
export type { SetOptions, StateHandle, StateResult } from './state/handle.ts'
export type { StateEntries, StateEvent, StateReads } from './state/read-state.ts'
export type { EventMeta } from './subscription/feed-operators.ts'
export type {
  LiveEvent,
  LoadSnapshot,
  LoadSnapshotOptions,
  SnapshotData,
} from './subscription/live.ts'
export type { LiveOptions, SubscribeOptions } from './subscription/options.ts'
export {
  type ChannelSubscription,
  merge,
  type SubscriptionEvent,
} from './subscription/subscription.ts'
export { detached } from './user-code/async-context.ts'
