import type { EventId } from '@trpc-sse/protocol'
import { payloadText } from '../backend/stored-bytes.ts'
import type { Codec } from '../codec/codec.ts'
import { eventValue, type FeedEvent } from '../hub/log-event.ts'
import { isTracked } from '../shared-state.ts'
import { detached } from '../user-code/async-context.ts'

// A tracked snapshot is the state at one event. That never changes, so the encoding can be kept.
const trackedSnapshots = new WeakMap<object, FeedEvent>()

/**
 * Creates the event for a snapshot. Its position is `lastEventId`, unless the snapshot is tracked.
 */
export function snapshotEvent(loaded: unknown, lastEventId: EventId, codec: Codec): FeedEvent {
  if (!isTracked(loaded)) {
    const decoded = { value: { type: 'snapshot', data: loaded } }
    return { kind: 'event', id: lastEventId, data: undefined, codec, decoded, frame: undefined }
  }
  const known = trackedSnapshots.get(loaded)
  if (known?.codec === codec) return known
  const event = detached(() => encoded(loaded[0], codec, { type: 'snapshot', data: loaded[1] }))
  trackedSnapshots.set(loaded, event)
  return event
}

/**
 * Returns the event in the form that live subscriptions get. It is created once for all of them.
 */
export function liveEvent(event: FeedEvent): FeedEvent {
  event.live ??= detached(() => wrapped(event))
  return event.live
}

function wrapped(event: FeedEvent): FeedEvent {
  const { id, codec } = event
  if (codec.output || event.data === undefined)
    return encoded(id, codec, { type: 'event', data: eventValue(event) })
  const data = `{"type":"event","data":${payloadText(event.data)}}`
  const decoded = event.decoded && { value: { type: 'event', data: event.decoded.value } }
  return { kind: 'event', id, data, codec, decoded, frame: undefined }
}

function encoded(id: string, codec: Codec, value: unknown): FeedEvent {
  const data = codec.serialize(value)
  return { kind: 'event', id, data, codec, decoded: { value }, frame: undefined }
}
