import {
  type DecodedMessage,
  parseConnectedData,
  parseGapData,
  type singleEvents,
} from '@trpc-sse/protocol'
import type { Frame } from './frame.ts'

/** Written as types only: what the protocol says of names is checked here, and costs a browser nothing. */
export type EventName = 'message' | (typeof singleEvents)[keyof typeof singleEvents]

/** The key of the only subscription of a stream. */
const key = ''

/** Reads a message of single mode; nothing for one that it doesn't know, and that has no id. */
export function readSingleMessage({ event, data, id }: DecodedMessage): readonly Frame[] {
  // An id moves the position whatever message it is on, as in every EventSource.
  const moved: readonly Frame[] = id ? [{ type: 'position', key, id }] : []
  const name = event as EventName
  switch (name) {
    case 'message':
      return [{ type: 'event', key, data, id }]
    case 'connected': {
      const { live, ...stream } = parseConnectedData(data)
      return [{ type: name, ...stream }, { type: 'started', key, id, live }, ...moved]
    }
    case 'ping':
    case 'reconnect':
      return [...moved, { type: name }]
    case 'gap':
      return [{ type: name, key, ...parseGapData(data), id }]
    case 'serialized-error':
      return [{ type: 'error', key, error: JSON.parse(data), id }]
    case 'return':
      return [{ type: 'stopped', key, id }]
    default:
      // `restore-id`, and whatever a later server says.
      return moved
  }
}
