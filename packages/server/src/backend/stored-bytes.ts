import type { EventId } from '@trpc-sse/protocol'
import type { StoredEvent } from './backend.ts'

/** A payload: JSON text, or the UTF-8 bytes of that text. */
export type Payload = string | Uint8Array

class BytesEvent implements StoredEvent {
  readonly id: EventId
  readonly prev: EventId
  declare readonly data: string
  readonly #bytes: Uint8Array

  constructor(id: EventId, prev: EventId, bytes: Uint8Array) {
    this.id = id
    this.prev = prev
    this.#bytes = bytes
    Object.defineProperty(this, 'data', BytesEvent.#data)
  }

  // An own property, as in every other event, so that a copy of the event contains the text.
  static readonly #data: PropertyDescriptor & ThisType<BytesEvent> = {
    enumerable: true,
    get() {
      return payloadText(this.#bytes)
    },
  }

  static payloadOf(event: StoredEvent): Payload {
    return #bytes in event ? event.#bytes : event.data
  }
}

/**
 * Creates a stored event from the UTF-8 bytes of its payload. Use it in a backend whose store
 * returns bytes, for payloads of a kilobyte or more; below that, text costs less.
 *
 * The bytes are sent to clients without being decoded. `data` decodes them on each access. Don't
 * change the bytes afterwards.
 */
export function storedBytes(id: EventId, prev: EventId, bytes: Uint8Array): StoredEvent {
  return new BytesEvent(id, prev, bytes)
}

/** Returns the payload of a stored event: bytes if the backend returned bytes, text otherwise. */
export const payloadOf: (event: StoredEvent) => Payload = BytesEvent.payloadOf

// Keeps a byte order mark, so that JSON.parse refuses it, as clients do.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Returns the text of a payload. */
export function payloadText(payload: Payload): string {
  return typeof payload === 'string' ? payload : decoder.decode(payload)
}
