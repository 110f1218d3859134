export type { GapReason, SseGap } from '@trpc-sse/client'
export { browserFrames, type Frames } from './animation-frame.ts'
export type {
  InitialDataNeeded,
  KeyOptions,
  LiveBaseOptions,
  MaybeInitialData,
  ReduceOptions,
  SnapshotNeeded,
  WithInitialData,
} from './options.ts'
export type {
  CaughtUpItem,
  DeltaItem,
  DeltaOf,
  EndItem,
  FoldItem,
  FoldOf,
  ValueOf,
} from './run/items.ts'
export type {
  RunBaseOptions,
  RunFoldOptions,
  RunResult,
  RunStatus,
  UseRunArguments,
} from './run/options.ts'
export { useRun } from './run/use-run.ts'
export type { ConnectionState } from './store/connections.ts'
export type { InitialData, LiveEventMeta } from './store/fold.ts'
export { type KeyedList, type KeyedListOptions, keyedList } from './store/keyed-list.ts'
export type { LiveResult, OptimisticOptions } from './store/live-result.ts'
export type { EventOf, SnapshotOf, TrackedValue } from './store/live-values.ts'
export type { LiveStatus } from './store/start-subscription.ts'
export type { ConnectionStateChange, LiveHandlers, LiveSubscription } from './store/subscription.ts'
export { useConnectionState } from './use-connection-state.ts'
export { type ItemOf, useLive } from './use-live.ts'
