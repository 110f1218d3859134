import {
  type DecodedMessage,
  multiplexedEvents,
  multiplexedVersion,
  parseConnectedData,
  parseGapData,
  RealtimeError,
} from '@trpc-sse/protocol'
import type { Frame } from './frames.ts'
import type { Wanted } from './request.ts'

/** Reads a message of multiplexed mode; nothing for a control message that it doesn't know. */
export function readMultiplexedMessage({ event, data, id }: DecodedMessage): readonly Frame[] {
  if (!event.startsWith('$')) return [{ type: 'event', key: event, data, id }]
  switch (event) {
    case multiplexedEvents.connected:
      return [
        {
          type: 'connected',
          inactivityTimeoutMs: parseConnectedData(data).reconnectAfterInactivityMs,
          connectionId: textIn(event, data, 'connectionId'),
        },
      ]
    case multiplexedEvents.ping:
      return [{ type: 'ping' }]
    case multiplexedEvents.reconnect:
      return [{ type: 'move' }]
    case multiplexedEvents.started:
      return [{ type: 'started', key: textIn(event, data, 'key'), id }]
    case multiplexedEvents.stopped:
      return [{ type: 'stopped', key: textIn(event, data, 'key'), id }]
    case multiplexedEvents.position:
      return [{ type: 'position', key: textIn(event, data, 'key'), id }]
    case multiplexedEvents.gap:
      return [{ type: 'gap', key: textIn(event, data, 'key'), gap: parseGapData(data), id }]
    case multiplexedEvents.error:
      return [{ type: 'error', key: textIn(event, data, 'key'), error: JSON.parse(data).error, id }]
    default:
      return []
  }
}

function textIn(event: string, data: string, name: string): string {
  const value: unknown = JSON.parse(data)?.[name]
  if (typeof value === 'string') return value
  const message = `The data of "${event}" has no ${name}. Is the server's version right?`
  throw new RealtimeError('INVALID_MESSAGE', message)
}

/** Writes the body of a request for a stream; with a connection id, of a control request. */
export function writeMultiplexedBody(
  revision: number,
  connectionId: string | undefined,
  wanted: Iterable<readonly [key: string, Wanted]>,
): string {
  // By hand, because the inputs are JSON already.
  const subscriptions = Array.from(
    wanted,
    ([key, { path, inputJson, lastEventId }]) =>
      `"${key}":{"path":${JSON.stringify(path)}${field('input', inputJson)}${field('lastEventId', JSON.stringify(lastEventId))}}`,
  )
  const head = `"version":${multiplexedVersion},"revision":${revision}`
  return `{${head}${field('connectionId', JSON.stringify(connectionId))},"subscriptions":{${subscriptions}}}`
}

function field(name: string, json: string | undefined): string {
  return json === undefined ? '' : `,"${name}":${json}`
}
