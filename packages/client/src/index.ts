export {
  type Clock,
  type GapReason,
  isRealtimeError,
  RealtimeError,
  type RealtimeErrorCode,
  type RealtimeErrorIssue,
  type RealtimeErrorOptions,
} from '@trpc-sse/protocol'
export type { Fetch } from './fetch.ts'
export { sseLink } from './link.ts'
export type {
  ConnectionParams,
  MaybePromise,
  SseGap,
  SseLinkBaseOptions,
  SseLinkErrorInfo,
  SseLinkOptions,
  TransformerOption,
} from './options.ts'
export type { RetryPolicy } from './retry.ts'
