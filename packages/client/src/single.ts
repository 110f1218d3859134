import { type DecodedMessage, parseConnectedData, parseGapData, singleEvents } from '@trpc-sse/protocol'
import type { Frame } from './frames.ts'

/** The key of the only subscription of a stream. */
const key = ''

/** Reads a message of single mode; nothing for one that it doesn't know, and that has no id. */
export function readSingleMessage({ event, data, id }: DecodedMessage): readonly Frame[] {
  // An id moves the position whatever message it is on, as in every EventSource.
  const moved: readonly Frame[] = id ? [{ type: 'position', key, id }] : []
  switch (event) {
    case 'message':
      return [{ type: 'event', key, data, id }]
    case singleEvents.connected: {
      const inactivityTimeoutMs = parseConnectedData(data).reconnectAfterInactivityMs
      return [{ type: 'connected', inactivityTimeoutMs }, { type: 'started', key, id }, ...moved]
    }
    case singleEvents.ping:
      return [{ type: 'ping' }, ...moved]
    case singleEvents.gap:
      return [{ type: 'gap', key, gap: parseGapData(data), id }]
    case singleEvents.error:
      return [{ type: 'error', key, error: JSON.parse(data), id }]
    case singleEvents.return:
      return [{ type: 'stopped', key, id }]
    case singleEvents.reconnect:
      return [...moved, { type: 'move' }]
    default:
      // `restore-id`, and whatever a later server says.
      return moved
  }
}
