import { RealtimeError } from './errors.ts'
import type { EventId } from './event-id.ts'
import { isPlainObject } from './plain-object.ts'

/**
 * The event names of single mode. All but `gap` and `reconnect` are tRPC 11's own
 * (https://trpc.io/docs/server/subscriptions); data has no name.
 */
export const singleEvents = {
  /** The first message: the stream is open. Data: {@link ConnectedData}. */
  connected: 'connected',
  /** The connection is alive. No data. */
  ping: 'ping',
  /** The subscription failed. Data: tRPC's error shape, transformed. */
  error: 'serialized-error',
  /** The subscription is complete. No data. */
  return: 'return',
  /** The subscription's position, without an event. No data; its id is the position. */
  restoreId: 'restore-id',
  /** Events are no longer available. Data: {@link GapData}. */
  gap: 'gap',
  /** Open a new stream: this one is about to end. Data: {@link ReconnectData}. */
  reconnect: 'reconnect',
} as const

/** Information about the values that a subscription sends. */
export interface ValuesData {
  /**
   * Whether the values are `{ type: 'snapshot', data }` and `{ type: 'event', data }`, as `live` of
   * a channel sends them.
   */
  readonly live?: boolean | undefined
}

/** The data of `connected`. */
export interface ConnectedData extends ValuesData {
  /** After this many milliseconds of silence the connection is dead. */
  readonly reconnectAfterInactivityMs?: number
}

/**
 * Why events are missing:
 * - `trimmed`: the log no longer keeps them.
 * - `reset`: the log was cleared, or is not the one that issued the reader's position.
 * - `skipped`: the reader was too far behind, and the channel skips events in that case.
 */
export type GapReason = 'trimmed' | 'reset' | 'skipped'

/**
 * The data of `gap`: events after `lastEventId` are missing. The events that follow are contiguous
 * again.
 */
export interface GapData {
  readonly lastEventId: EventId
  readonly reason: GapReason
}

/**
 * Why a stream ends: its maximum duration has passed, the server is stopping, or the server
 * requires the client to authenticate again.
 */
export type ReconnectReason = 'max-duration' | 'drain' | 'disconnect'

/** The data of `reconnect`. */
export interface ReconnectData {
  readonly reason: ReconnectReason
  /** The reason that was passed to `link.disconnect(filter, reason)`. */
  readonly message?: string
}

/**
 * Reads the data of `connected`, and ignores unknown or invalid properties. Throws
 * `INVALID_MESSAGE` if the data is not a JSON object.
 */
export function parseConnectedData(data: string): ConnectedData {
  const { reconnectAfterInactivityMs: ms } = parseObject(data, 'connected')
  return {
    ...(typeof ms === 'number' && ms > 0 && { reconnectAfterInactivityMs: ms }),
    ...parseValuesData(data, 'connected'),
  }
}

/**
 * Reads the properties of {@link ValuesData} from the data of `event`. Throws `INVALID_MESSAGE`.
 */
export function parseValuesData(data: string, event: string): ValuesData {
  const { live } = parseObject(data, event)
  return typeof live === 'boolean' ? { live } : {}
}

/** Reads the data of `gap`. Throws `INVALID_MESSAGE`. */
export function parseGapData(data: string): GapData {
  const { reason } = parseObject(data, 'gap')
  return {
    lastEventId: parseText(data, 'gap', 'lastEventId'),
    reason: reason === 'reset' || reason === 'skipped' ? reason : 'trimmed',
  }
}

/**
 * Reads one string property from the data of `event`, such as a subscription's key. Throws
 * `INVALID_MESSAGE`.
 */
export function parseText(data: string, event: string, name: string): string {
  const { [name]: text } = parseObject(data, event)
  if (typeof text !== 'string') throw invalidMessage(event, data)
  return text
}

function parseObject(data: string, event: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data)
    if (isPlainObject(value)) return value
  } catch (cause) {
    throw invalidMessage(event, data, cause)
  }
  throw invalidMessage(event, data)
}

function invalidMessage(event: string, data: string, cause?: unknown): RealtimeError {
  const start = JSON.stringify(data.slice(0, 48))
  const message = `The data of "${event}" is invalid: ${start}. Check the server's version.`
  return new RealtimeError('INVALID_MESSAGE', message, { cause })
}
