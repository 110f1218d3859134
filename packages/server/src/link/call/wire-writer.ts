import type { TRPCDataTransformer } from '@trpc/server'
import {
  encode,
  encodeAround,
  encodeEventName,
  type GapData,
  type KeyData,
  type MultiplexedGapData,
  multiplexedEvents,
  type ReconnectData,
  type SseMessage,
  type StartedData,
  singleEvents,
} from '@trpc-sse/protocol'
import { type Payload, payloadText } from '../../backend/stored-bytes.ts'
import { serialize } from '../../codec/codec.ts'
import { eventValue, type FeedEvent } from '../../hub/log-event.ts'
import { isTracked } from '../../shared-state.ts'
import type { Gap } from '../../subscription/feed.ts'

const text = new TextEncoder()
const bytes = (message: SseMessage, next?: SseMessage): Uint8Array =>
  text.encode(next === undefined ? encode(message) : encode(message) + encode(next))

/**
 * Writes the frames of subscriptions in one mode. `key` identifies a subscription in multiplexed
 * mode.
 */
export interface WireWriter {
  /** Writes a position without an event. */
  position(key: string, id: string): Uint8Array
  /** Writes the head of each event's frame. In multiplexed mode, it holds the key. */
  eventHead(key: string): Uint8Array | undefined
  /**
   * Writes the parts of a channel's event, without its key. An unchanged event is written once for
   * all subscriptions, in both modes.
   */
  event(key: string, event: FeedEvent): readonly Uint8Array[]
  /** Writes a value that an iterable or observable yielded. */
  value(key: string, value: unknown, clientPosition: string | undefined): Uint8Array
  gap(key: string, gap: Gap): Uint8Array
  error(key: string, json: string): Uint8Array
  complete(key: string): Uint8Array
}

/** Creates the writer of single mode. */
export function createSingleWriter(output: TRPCDataTransformer | undefined): WireWriter {
  return {
    complete: () => completeFrame,
    position: (_, id) => bytes(positionMessage(id)),
    eventHead: () => undefined,
    event: (_, event) => eventFrame(output, event),
    value(_, value, clientPosition) {
      if (isTracked(value)) {
        const [id, data] = value
        return bytes({ data: toJson(output, data), id })
      }
      const message = { data: toJson(output, value) }
      // An EventSource assigns the last id to an event that has none. So clear the last id first,
      // and set it again afterwards.
      if (clientPosition === undefined) return bytes(message)
      return bytes({ ...message, id: '' }, positionMessage(clientPosition))
    },
    gap(_, { lastEventId: from, position, reason }) {
      const data: GapData = { lastEventId: from, reason }
      return bytes({ event: singleEvents.gap, data: JSON.stringify(data), id: position })
    },
    error: (_, json) => bytes({ event: singleEvents.error, data: json }),
  }
}

/**
 * Creates a message that sets the position of an `EventSource`. Listeners for `message` don't get
 * it.
 */
function positionMessage(id: string): SseMessage {
  return { event: singleEvents.restoreId, data: '', id }
}

/** Creates the writer of multiplexed mode. */
export function createMultiplexedWriter(output: TRPCDataTransformer | undefined): WireWriter {
  return {
    complete: (key) => bytes({ event: multiplexedEvents.stopped, data: about(key) }),
    position: (key, id) => bytes({ event: multiplexedEvents.position, data: about(key), id }),
    eventHead: createHeads(),
    event: (_, event) => eventFrame(output, event),
    value(key, value) {
      if (!isTracked(value)) return bytes({ event: key, data: toJson(output, value) })
      const [id, data] = value
      return bytes({ event: key, data: toJson(output, data), id })
    },
    gap(key, { lastEventId, position, reason }) {
      const data: MultiplexedGapData = { key, lastEventId, reason }
      return bytes({ event: multiplexedEvents.gap, data: JSON.stringify(data), id: position })
    },
    // The error is JSON already.
    error: (key, json) =>
      bytes({
        event: multiplexedEvents.error,
        data: `{"key":${JSON.stringify(key)},"error":${json}}`,
      }),
  }
}

function about(key: string): string {
  return JSON.stringify({ key } satisfies KeyData)
}

function eventFrame(
  output: TRPCDataTransformer | undefined,
  event: FeedEvent,
): readonly Uint8Array[] {
  if (event.data === undefined)
    return [bytes({ data: toJson(output, eventValue(event)), id: event.id })]
  event.frame ??= storedFrame(event.data, event.id)
  return event.frame
}

/**
 * Writes the frame of a stored event. Payload bytes are sent unchanged, without decoding or
 * copying.
 */
function storedFrame(data: Payload, id: string): readonly Uint8Array[] {
  if (typeof data === 'string' || !isOneLine(data)) return [bytes({ data: payloadText(data), id })]
  const [, after] = encodeAround(id)
  return [beforeData, data, text.encode(after)]
}

/** The bytes before the data of every event that has an id. */
const beforeData = text.encode(encodeAround('')[0])

function isOneLine(data: Uint8Array): boolean {
  return !data.includes(lineFeed) && !data.includes(carriageReturn)
}

const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * The maximum number of cached heads. Clients choose the keys, so there may be any number of keys.
 */
const maxHeads = 4_096

/**
 * Creates a cache of the heads by key. Subscriptions with the same path and input have the same
 * key.
 */
function createHeads(): (key: string) => Uint8Array {
  const heads = new Map<string, Uint8Array>()
  return (key) => {
    const made = heads.get(key)
    if (made) return made
    const head = text.encode(encodeEventName(key))
    if (heads.size >= maxHeads) heads.clear()
    heads.set(key, head)
    return head
  }
}

/** Frames that concern a whole stream. */
export interface StreamFrames {
  reconnect(data: ReconnectData, retryMs: number): Uint8Array
  readonly ping: Uint8Array
}

/** The {@link StreamFrames} of each mode. */
export const streamFrames: { readonly single: StreamFrames; readonly multiplexed: StreamFrames } = {
  single: createStreamFrames(singleEvents),
  multiplexed: createStreamFrames(multiplexedEvents),
}

/**
 * Writes the start of a stream in single mode, and its position if the client doesn't have it yet.
 */
export function connectedFrame(
  json: string,
  retryMs: number,
  position: string | undefined,
): Uint8Array {
  const connected = { event: singleEvents.connected, data: json, retryMs }
  if (position === undefined) return bytes(connected)
  return bytes(connected, positionMessage(position))
}

/** Writes the start of a stream in multiplexed mode. */
export function multiplexedConnectedFrame(data: object, retryMs: number): Uint8Array {
  return bytes({ event: multiplexedEvents.connected, data: JSON.stringify(data), retryMs })
}

/** Writes a refusal in single mode: an error, and how long to wait before the next attempt. */
export function refusalFrame(json: string, retryMs: number): Uint8Array {
  return bytes({ event: singleEvents.error, data: json, retryMs })
}

/** Writes the start of a subscription in multiplexed mode. */
export function startedFrame(started: StartedData, position: string | undefined): Uint8Array {
  return bytes({
    event: multiplexedEvents.started,
    data: JSON.stringify(started),
    ...(position === undefined ? {} : { id: position }),
  })
}

function createStreamFrames(names: Record<'reconnect' | 'ping', string>): StreamFrames {
  return {
    ping: bytes({ event: names.ping, data: '' }),
    reconnect: (data, retryMs) =>
      bytes({ event: names.reconnect, data: JSON.stringify(data), retryMs }),
  }
}

const completeFrame = bytes({ event: singleEvents.return, data: '' })

function toJson(output: TRPCDataTransformer | undefined, value: unknown): string {
  // JSON can't express undefined, and tRPC's clients fail to parse an empty text. JSON arrays also
  // contain null for undefined.
  return serialize(output, value) ?? 'null'
}

/** Whether an id can be written: one with a line break can't. */
export function canBeWritten(id: string | undefined): boolean {
  return id !== undefined && !/[\r\n\0]/.test(id)
}
