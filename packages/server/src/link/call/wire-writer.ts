import type { TRPCDataTransformer } from '@trpc/server'
import {
  encode,
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
import { serialize } from '../../codec/codec.ts'
import { eventValue, type FeedEvent } from '../../hub/log-event.ts'
import { isTracked } from '../../shared-state.ts'
import type { Gap } from '../../subscription/feed.ts'

const text = new TextEncoder()
const bytes = (...messages: readonly SseMessage[]): Uint8Array =>
  text.encode(messages.map(encode).join(''))

/** How what happens to a subscription is written, in one mode; `key` names it in the mode that has keys. */
export interface SubscriptionFrames {
  /** Where the subscription stands, without an event. */
  position(key: string, id: string): Uint8Array
  /** What comes right before each event's frame: its key, in the mode that has keys. */
  eventHead(key: string): Uint8Array | undefined
  /** An event of a channel, without its key. The bytes of one that comes as stored are made once for all, in either mode. */
  event(key: string, event: FeedEvent): Uint8Array
  /** What a procedure of another kind yielded; `held` is the id that the client holds. */
  value(key: string, value: unknown, held: string | undefined): Uint8Array
  gap(key: string, gap: Gap): Uint8Array
  error(key: string, json: string): Uint8Array
  complete(key: string): Uint8Array
}

/** Creates the frames of subscriptions in single mode. */
export function createSingleFrames(output: TRPCDataTransformer | undefined): SubscriptionFrames {
  return {
    complete: () => completeFrame,
    position: (_, id) => bytes(positionMessage(id)),
    eventHead: () => undefined,
    event: (_, event) => eventFrame(output, event),
    value(_, value, held) {
      if (isTracked(value)) {
        const [id, data] = value
        return bytes({ data: toJson(output, data), id })
      }
      const message = { data: toJson(output, value) }
      // An EventSource gives an event without an id the last one: it is cleared for this event and then set again.
      if (held === undefined) return bytes(message)
      return bytes({ ...message, id: '' }, positionMessage(held))
    },
    gap(_, { lastEventId: from, position, reason }) {
      const data: GapData = { lastEventId: from, reason }
      return bytes({ event: singleEvents.gap, data: JSON.stringify(data), id: position })
    },
    error: (_, json) => bytes({ event: singleEvents.error, data: json }),
  }
}

/** Moves the position of an `EventSource`, and shows nothing to whoever listens for messages. */
function positionMessage(id: string): SseMessage {
  return { event: singleEvents.restoreId, data: '', id }
}

/** Creates the frames of subscriptions in multiplexed mode. */
export function createKeyedFrames(output: TRPCDataTransformer | undefined): SubscriptionFrames {
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

function eventFrame(output: TRPCDataTransformer | undefined, event: FeedEvent): Uint8Array {
  if (event.data === undefined)
    return bytes({ data: toJson(output, eventValue(event)), id: event.id })
  event.frame ??= bytes({ data: event.data, id: event.id })
  return event.frame
}

/** How many keys' heads are kept: keys are the clients' to choose. */
const mostHeads = 4_096

/** Subscriptions with the same path and input have the same key, and share its head: their clients get the same bytes. */
function createHeads(): (key: string) => Uint8Array {
  const heads = new Map<string, Uint8Array>()
  return (key) => {
    const made = heads.get(key)
    if (made) return made
    const head = text.encode(encodeEventName(key))
    if (heads.size >= mostHeads) heads.clear()
    heads.set(key, head)
    return head
  }
}

/** How what happens to a whole stream is written. */
export interface StreamFrames {
  reconnect(data: ReconnectData, retryMs: number): Uint8Array
  readonly ping: Uint8Array
}

/** The frames of streams in either mode. */
export const streamFrames: { readonly single: StreamFrames; readonly multiplexed: StreamFrames } = {
  single: createStreamFrames(singleEvents),
  multiplexed: createStreamFrames(multiplexedEvents),
}

/** The start of a stream in single mode, and of its subscription at a position, if the client doesn't know that. */
export function connectedFrame(
  json: string,
  retryMs: number,
  position: string | undefined,
): Uint8Array {
  const connected = { event: singleEvents.connected, data: json, retryMs }
  if (position === undefined) return bytes(connected)
  return bytes(connected, positionMessage(position))
}

/** The start of a stream in multiplexed mode. */
export function keyedConnectedFrame(data: object, retryMs: number): Uint8Array {
  return bytes({ event: multiplexedEvents.connected, data: JSON.stringify(data), retryMs })
}

/** A refusal in single mode: an error, and how long to wait before the next try. */
export function refusalFrame(json: string, retryMs: number): Uint8Array {
  return bytes({ event: singleEvents.error, data: json, retryMs })
}

/** The start of a subscription in multiplexed mode. */
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
  // JSON has no text for undefined: tRPC's clients would fail to parse it. null is what an array makes of it.
  return serialize(output, value) ?? 'null'
}
