import {
  type DecodedMessage,
  parseConnectedData,
  parseGapData,
  type singleEvents,
} from '@trpc-sse/protocol'
import type { Frame } from './frame.ts'

/** Only a type: it checks names against the protocol, and adds nothing to the bundle. */
export type EventName = 'message' | (typeof singleEvents)[keyof typeof singleEvents]

/** The key of the only subscription of a stream. */
const key = ''

/** Reads a message of single mode. Returns nothing for an unknown message without an id. */
export function readSingleMessage({ event, data, id }: DecodedMessage): readonly Frame[] {
  // As in every EventSource, the id of any message moves the position.
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
      // `restore-id`, and messages of later servers.
      return moved
  }
}
