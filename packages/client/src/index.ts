export {
  type Clock,
  type GapReason,
  isRealtimeError,
  type RareBranch,
  RealtimeError,
  type RealtimeErrorCode,
  type RealtimeErrorIssue,
  type RealtimeErrorOptions,
  type TimerOptions,
} from '@trpc-sse/protocol'
export { sseLink } from './link.ts'
export type {
  ConnectionParams,
  MaybePromise,
  SseCallContext,
  SseFallback,
  SseGap,
  SseHeadersOptions,
  SseLinkBaseOptions,
  SseLinkErrorInfo,
  SseLinkOptions,
  TransformerOption,
} from './options/options.ts'
export type { TabSharing } from './options/tab-sharing.ts'
export type { PersistStorage } from './set/positions.ts'
export type { Device, DeviceEvent } from './stream/device.ts'
export type { RetryDelay, RetryOption, RetryPolicy } from './stream/retry-policy.ts'
export type {
  EventSourceConstructor,
  EventSourceEvent,
  EventSourceLike,
} from './transport/event-source.ts'
export type { Fetch } from './transport/fetch.ts'
