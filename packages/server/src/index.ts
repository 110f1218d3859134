export {
  type Clock,
  isRealtimeError,
  RealtimeError,
  type RealtimeErrorCode,
  systemClock,
} from '@trpc-sse/protocol'
export type {
  AppendOptions,
  AppendResult,
  Backend,
  ChannelLog,
  LogListener,
  LogPage,
  ReadRange,
  Retention,
  StoredEvent,
  Unlisten,
} from './backend.ts'
export { type MemoryBackendOptions, memoryBackend } from './memory-backend.ts'
