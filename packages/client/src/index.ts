export {
  type Clock,
  type GapReason,
  isRealtimeError,
  RealtimeError,
  type RealtimeErrorCode,
  type RealtimeErrorIssue,
  type RealtimeErrorOptions,
  type TimerOptions,
} from '@trpc-sse/protocol'
export type { Device, DeviceEvent } from './device.ts'
export type { EventSourceConstructor, EventSourceEvent, EventSourceLike } from './event-source.ts'
export type { Fetch } from './fetch.ts'
export { sseLink } from './link.ts'
export type {
  ConnectionParams,
  MaybePromise,
  ShareAcrossTabsOptions,
  SseFallback,
  SseGap,
  SseHeadersOptions,
  SseLinkBaseOptions,
  SseLinkErrorInfo,
  SseLinkOptions,
  TabRole,
  TransformerOption,
} from './options.ts'
export type { PersistStorage } from './positions.ts'
export type { RetryPolicy } from './retry.ts'
export type { TabChannel, TabLockOptions, TabsEnvironment } from './tabs/environment.ts'
