import {
  type DecodedMessage,
  type multiplexedEvents,
  multiplexedVersion,
  parseConnectedData,
  parseGapData,
  parseText,
  parseValuesData,
} from '@trpc-sse/protocol'
import type { Frame } from './frame.ts'
import type { Wanted } from './request.ts'

/** Only a type: it checks names against the protocol, and adds nothing to the bundle. */
type ControlName = keyof typeof multiplexedEvents

/** The fields of a request besides the subscriptions. */
interface MultiplexedHead {
  readonly revision: number
  readonly connectionId: string | undefined
  /** The stream that was lost; `undefined` in a control request. */
  readonly replaces: string | undefined
  readonly maxDurationMs: number | undefined
}

/** Reads a message of multiplexed mode; returns nothing for an unknown control message. */
export function readMultiplexedMessage({ event, data, id }: DecodedMessage): readonly Frame[] {
  if (!event.startsWith('$')) return [{ type: 'event', key: event, data, id }]
  const type = event.slice(1) as ControlName
  const text = (name: string): string => parseText(data, event, name)
  switch (type) {
    case 'connected':
      return [{ type, ...parseConnectedData(data), connectionId: text('connectionId') }]
    case 'ping':
    case 'reconnect':
      return [{ type }]
    case 'started':
      return [{ type, key: text('key'), id, ...parseValuesData(data, event) }]
    case 'stopped':
    case 'position':
      return [{ type, key: text('key'), id }]
    case 'gap':
      return [{ type, key: text('key'), ...parseGapData(data), id }]
    case 'error':
      return [{ type, key: text('key'), error: JSON.parse(data).error, id }]
    default:
      return []
  }
}

/**
 * Writes the body of a request for a stream, or of a control request if there is a connection id.
 */
export function writeMultiplexedBody(
  { revision, connectionId, replaces, maxDurationMs }: MultiplexedHead,
  wanted: Iterable<readonly [key: string, Wanted]>,
): string {
  // Written by hand, because the inputs are already JSON.
  const subscriptions = Array.from(
    wanted,
    ([key, { path, inputJson, lastEventId }]) =>
      `"${key}":{"path":${JSON.stringify(path)}${field('input', inputJson)}${field('lastEventId', JSON.stringify(lastEventId))}}`,
  )
  const head = `"version":${multiplexedVersion},"revision":${revision}`
  const more =
    field('connectionId', JSON.stringify(connectionId)) +
    field('replaces', JSON.stringify(replaces)) +
    field('maxDurationMs', JSON.stringify(maxDurationMs))
  return `{${head}${more},"subscriptions":{${subscriptions}}}`
}

function field(name: string, json: string | undefined): string {
  return json === undefined ? '' : `,"${name}":${json}`
}
