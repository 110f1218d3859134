export {
  type Clock,
  elapsedTime,
  fullJitterMs,
  type RareBranch,
  startTimer,
  systemClock,
  type Timer,
  type TimerOptions,
  wait,
} from './clock.ts'
export { createDecoder, type DecodedMessage, type Decoder, type DecoderOptions } from './decode.ts'
export { encode, encodeAround, encodeEventName, type SseMessage } from './encode.ts'
export {
  isRealtimeError,
  RealtimeError,
  type RealtimeErrorCode,
  type RealtimeErrorCodes,
  type RealtimeErrorIssue,
  type RealtimeErrorOptions,
} from './errors.ts'
export {
  compareEventIds,
  type EventId,
  eventTimeMs,
  firstEventId,
  formatCompositeId,
  invalidLastEventId,
  isEventId,
  maxLastEventIdLength,
  parseCompositeId,
} from './event-id.ts'
export { shortHash } from './hash.ts'
export { isNestedTooDeep, maxJsonDepth } from './json-depth.ts'
export {
  type ConnectedData,
  type GapData,
  type GapReason,
  parseConnectedData,
  parseGapData,
  parseText,
  parseValuesData,
  type ReconnectData,
  type ReconnectReason,
  singleEvents,
  type ValuesData,
} from './messages.ts'
export {
  type KeyData,
  type MultiplexedConnectedData,
  type MultiplexedErrorData,
  type MultiplexedGapData,
  type MultiplexedLimits,
  type MultiplexedRequest,
  multiplexedEvents,
  multiplexedPath,
  multiplexedVersion,
  parseMultiplexedRequest,
  type StartedData,
  type WantedSubscription,
} from './multiplexed.ts'
export { isPlainObject } from './plain-object.ts'
export type {
  DeliveryCount,
  EventTrace,
  ReadCause,
  StreamTrace,
  Trace,
  TracedCall,
  TracedCost,
  TracedEvent,
  TracedLog,
  TracedRefusal,
  TracedSubscription,
  TraceFacts,
  TraceStep,
} from './trace.ts'
