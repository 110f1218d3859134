import { RealtimeError } from './errors.ts'
import { isNestedTooDeep, maxJsonDepth } from './json-depth.ts'
import type { ConnectedData, GapData, ValuesData } from './messages.ts'
import { isPlainObject } from './plain-object.ts'

/** The last segment of the URL in multiplexed mode: `POST <endpoint>/~sse`. */
export const multiplexedPath = '~sse'

/** The version of multiplexed mode that this package speaks. */
export const multiplexedVersion = 1

/**
 * The control messages of multiplexed mode. Every other message is an event, and its name is the
 * key of its subscription.
 */
export const multiplexedEvents = {
  /** The first message: the stream is open. Data: {@link MultiplexedConnectedData}. */
  connected: '$connected',
  /**
   * A subscription has started. Data: {@link StartedData}; its id is the position, if there is one.
   */
  started: '$started',
  /** A subscription is complete. Data: {@link KeyData}. */
  stopped: '$stopped',
  /** A subscription failed. Data: {@link MultiplexedErrorData}. */
  error: '$error',
  /**
   * Events of a subscription are no longer available. Data: {@link MultiplexedGapData}; its id is
   * the position after them.
   */
  gap: '$gap',
  /**
   * A subscription's position, without an event. Data: {@link KeyData}; its id is the position.
   */
  position: '$position',
  /** The connection is alive. No data. */
  ping: '$ping',
  /** Open a new stream: this one is about to end. Data: `ReconnectData`. */
  reconnect: '$reconnect',
} as const

/** The data of `$connected`. */
export interface MultiplexedConnectedData extends ConnectedData {
  /**
   * Identifies the stream in control requests. A secret that only this client and the server know.
   */
  readonly connectionId: string
}

/** The data of a control message about one subscription. */
export interface KeyData {
  readonly key: string
}

/** The data of `$started`. */
export interface StartedData extends KeyData, ValuesData {}

/** The data of `$error`. */
export interface MultiplexedErrorData extends KeyData {
  /** tRPC's error shape, transformed. */
  readonly error: unknown
}

/** The data of `$gap`. */
export type MultiplexedGapData = KeyData & GapData

/** One subscription of a set. */
export interface WantedSubscription {
  /** The procedure's dot-separated path. */
  readonly path: string
  /** The transformed input; absent if there is none. */
  readonly input?: unknown
  /** The position to resume from. */
  readonly lastEventId?: string
}

/** The body of a request for a stream, or of a control request. */
export interface MultiplexedRequest {
  readonly version: typeof multiplexedVersion
  /** A number that increases with every change of the set. */
  readonly revision: number
  /** The stream whose set is to be replaced; absent for a new stream. */
  readonly connectionId?: string
  /** The stream that the client has lost, and that a new one replaces. */
  readonly replaces?: string
  /**
   * The maximum duration of a new stream, in milliseconds. If absent, the server's maximum applies.
   */
  readonly maxDurationMs?: number
  /** The wanted subscriptions, by key. */
  readonly subscriptions: Readonly<Record<string, WantedSubscription>>
}

/** Limits of a {@link MultiplexedRequest}. */
export interface MultiplexedLimits {
  readonly subscriptions: number
}

const keyPattern = /^[\w-]{1,64}$/

/**
 * Parses the body of a request. Throws `INVALID_MESSAGE` for an invalid body, and names the clause
 * of PROTOCOL.md that it breaks.
 */
export function parseMultiplexedRequest(
  text: string,
  limits: MultiplexedLimits,
): MultiplexedRequest {
  const body = parseJson(text)
  if (body.version !== multiplexedVersion) {
    throw invalid(
      'P46',
      `version is ${show(body.version)}; this server speaks version ${multiplexedVersion}`,
    )
  }
  const { revision, connectionId, replaces, maxDurationMs } = body
  if (!Number.isSafeInteger(revision) || Number(revision) < 0) {
    throw invalid('P46', `revision is ${show(revision)}; give a whole number, 0 or more`)
  }
  if (!isConnectionId(connectionId))
    throw invalid('P49', 'connectionId is not one that a server gave')
  if (!isConnectionId(replaces)) throw invalid('P69', 'replaces is not one that a server gave')
  if (maxDurationMs !== undefined && !isDuration(maxDurationMs)) {
    throw invalid(
      'P46',
      `maxDurationMs is ${show(maxDurationMs)}; give a number from 100 to 3600000`,
    )
  }
  return {
    version: multiplexedVersion,
    revision: Number(revision),
    ...(connectionId === undefined ? {} : { connectionId }),
    ...(replaces === undefined ? {} : { replaces }),
    ...(maxDurationMs === undefined ? {} : { maxDurationMs }),
    subscriptions: parseSubscriptions(body.subscriptions, limits),
  }
}

function isConnectionId(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= 128)
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 100 && value <= 3_600_000
}

function parseSubscriptions(
  value: unknown,
  limits: MultiplexedLimits,
): Record<string, WantedSubscription> {
  if (!isPlainObject(value)) throw invalid('P46', `subscriptions is ${show(value)}; give an object`)
  const entries = Object.entries(value)
  if (entries.length > limits.subscriptions) {
    throw invalid(
      'P48',
      `there are ${entries.length} subscriptions; the limit is ${limits.subscriptions}`,
    )
  }
  return Object.fromEntries(entries.map(([key, wanted]) => [key, parseWanted(key, wanted)]))
}

function parseWanted(key: string, wanted: unknown): WantedSubscription {
  if (!keyPattern.test(key)) throw invalid('P47', `${show(key)} is not a key`)
  if (!isPlainObject(wanted) || typeof wanted.path !== 'string' || wanted.path.length > 1_024) {
    throw invalid('P46', `subscription ${show(key)} has no path`)
  }
  const { path, input, lastEventId } = wanted
  if (lastEventId !== undefined && typeof lastEventId !== 'string') {
    throw invalid('P46', `lastEventId of subscription ${show(key)} is not a text`)
  }
  return {
    path,
    ...(input === undefined ? {} : { input }),
    ...(lastEventId === undefined ? {} : { lastEventId }),
  }
}

function parseJson(text: string): Record<string, unknown> {
  if (isNestedTooDeep(text)) throw invalid('P48', `it is nested more than ${maxJsonDepth} deep`)
  try {
    const value: unknown = JSON.parse(text)
    if (isPlainObject(value)) return value
  } catch (cause) {
    throw invalid('P46', 'it is not JSON', cause)
  }
  throw invalid('P46', 'it is not an object')
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 64)
}

function invalid(clause: string, what: string, cause?: unknown): RealtimeError {
  const message = `The body of the request to ${multiplexedPath} breaks ${clause} of the protocol: ${what}.`
  return new RealtimeError('INVALID_MESSAGE', message, { cause })
}
