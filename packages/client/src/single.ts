import { type DecodedMessage, parseConnectedData, parseGapData, singleEvents } from '@trpc-sse/protocol'
import type { Frame } from './frames.ts'

/** Reads a message of single mode; `undefined` for one that it doesn't know, and that has no id. */
export function readSingleFrame({ event, data, id }: DecodedMessage): Frame | undefined {
  switch (event) {
    case 'message':
      return { type: 'event', data, id }
    case singleEvents.connected:
      return {
        type: 'connected',
        inactivityTimeoutMs: parseConnectedData(data).reconnectAfterInactivityMs,
        id,
      }
    case singleEvents.ping:
      return { type: 'ping', id }
    case singleEvents.gap:
      return { type: 'gap', gap: parseGapData(data), id }
    case singleEvents.error:
      return { type: 'error', data, id }
    case singleEvents.return:
      return { type: 'stopped', id }
    case singleEvents.reconnect:
      return { type: 'move', id }
    default:
      // `restore-id`, and whatever a later server says: an id moves the position, as in every EventSource.
      return id ? { type: 'position', id } : undefined
  }
}
