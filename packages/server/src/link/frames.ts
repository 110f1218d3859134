import { isTrackedEnvelope, type TRPCDataTransformer } from '@trpc/server'
import { encode, type GapData, type ReconnectData, singleEvents } from '@trpc-sse/protocol'
import { serialize } from '../codec.ts'
import { eventValue, type FeedEvent, type Gap } from '../log-event.ts'

const text = new TextEncoder()
const bytes = (...messages: ReadonlyArray<Parameters<typeof encode>[0]>): Uint8Array =>
  text.encode(messages.map(encode).join(''))

/** The frames of single mode: how what happens to a subscription is named on the wire. */
export interface Frames {
  /** Opens the stream: how long to wait before a reconnect, and what tRPC's clients are told first. */
  connected(retryMs: number, clientOptions: object): Uint8Array
  /** Where the subscription stands, without an event. */
  position(id: string): Uint8Array
  /** An event of a channel. The bytes of one that comes as stored are made once for all. */
  event(event: FeedEvent): Uint8Array
  /** What a procedure of another kind yielded. */
  value(value: unknown): Uint8Array
  gap(gap: Gap): Uint8Array
  error(json: string, retryMs?: number): Uint8Array
  reconnect(data: ReconnectData, retryMs: number): Uint8Array
  readonly ping: Uint8Array
  readonly complete: Uint8Array
}

/** Creates the frames of one subscription; they remember the id that the client holds. */
export function createFrames(
  output: TRPCDataTransformer | undefined,
  lastEventId: string | undefined,
): Frames {
  let held = lastEventId !== undefined && /[\r\n\0]/.test(lastEventId) ? undefined : lastEventId

  return {
    ping: pingFrame,
    complete: completeFrame,
    connected: (retryMs, clientOptions) =>
      bytes({ event: singleEvents.connected, data: JSON.stringify(clientOptions), retryMs }),
    position(id) {
      held = id
      return bytes({ event: singleEvents.restoreId, data: '', id })
    },
    event(event) {
      if (event.data === undefined || event.codec.output !== output) {
        return bytes({ data: toJson(output, eventValue(event)), id: event.id })
      }
      event.frame ??= bytes({ data: event.data, id: event.id })
      return event.frame
    },
    value(value) {
      if (isTrackedEnvelope(value)) {
        const [id, data] = value
        held = id
        return bytes({ data: toJson(output, data), id })
      }
      const message = { data: toJson(output, value) }
      // An EventSource gives an event without an id the last one: it is cleared for this event and then set again.
      if (held === undefined) return bytes(message)
      return bytes({ ...message, id: '' }, { event: singleEvents.restoreId, data: '', id: held })
    },
    gap({ lastEventId: from, position, reason }) {
      held = position
      const data: GapData = { lastEventId: from, reason }
      return bytes({ event: singleEvents.gap, data: JSON.stringify(data), id: position })
    },
    error: (json, retryMs) =>
      bytes({ event: singleEvents.error, data: json, ...(retryMs === undefined ? {} : { retryMs }) }),
    reconnect: (data, retryMs) =>
      bytes({ event: singleEvents.reconnect, data: JSON.stringify(data), retryMs }),
  }
}

const pingFrame = bytes({ event: singleEvents.ping, data: '' })
const completeFrame = bytes({ event: singleEvents.return, data: '' })

function toJson(output: TRPCDataTransformer | undefined, value: unknown): string {
  // JSON has no text for undefined: tRPC's clients would fail to parse it. null is what an array makes of it.
  return serialize(output, value) ?? 'null'
}
