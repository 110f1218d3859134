import { RealtimeError } from './errors.ts'

/**
 * The id of one event in one log: `<milliseconds>-<sequence>`, both decimal. Redis streams number
 * their entries in the same way
 * (https://redis.io/docs/latest/develop/data-types/streams/#entry-ids). Later events have greater
 * ids.
 */
export type EventId = string

/** An id that comes before every event. */
export const firstEventId: EventId = '0-0'

/**
 * The maximum length of a `lastEventId`, in characters: 190 channels in one merged subscription.
 */
export const maxLastEventIdLength = 8_192

// Redis ids are two unsigned 64-bit numbers: at most 20 digits each.
const eventIdPattern = /^(0|[1-9]\d{0,19})-(0|[1-9]\d{0,19})$/

/** Whether a text has the form of an event id. */
export function isEventId(text: string): boolean {
  return text.length <= 41 && eventIdPattern.test(text)
}

/**
 * Compares two event ids for sorting: negative if `a` is before `b`, 0 if they are the same.
 * Allocates nothing, as readers call it for every event.
 */
export function compareEventIds(a: EventId, b: EventId): number {
  const timeLength = a.indexOf('-')
  // The numbers have no leading zeros: the longer one is greater, and equally long ones sort as
  // text.
  if (timeLength !== b.indexOf('-')) return timeLength - b.indexOf('-')
  if (a.length !== b.length && a.startsWith(b.slice(0, timeLength))) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}

/**
 * Returns the time at which an event was stored, in milliseconds since 1970, by its log's clock.
 */
export function eventTimeMs(id: EventId): number {
  return Number(id.slice(0, id.indexOf('-')))
}

/**
 * Writes the positions in many logs as one id: `<log>=<event id>` for each, joined by `,`. `<log>`
 * is a short hash that the server computes, so the text reveals no channel names.
 */
export function formatCompositeId(positions: ReadonlyMap<string, EventId>): string {
  let text = ''
  for (const [log, id] of positions) text += `${text === '' ? '' : ','}${log}=${id}`
  return text
}

/**
 * Parses an id that {@link formatCompositeId} wrote. Throws `INVALID_LAST_EVENT_ID` for anything
 * else.
 */
export function parseCompositeId(text: string): Map<string, EventId> {
  const positions = new Map<string, EventId>()
  if (text.length > maxLastEventIdLength) throw invalidLastEventId(text)
  for (const part of text.split(',')) {
    const [, log, id] = /^([0-9a-z]{1,16})=(.+)$/.exec(part) ?? []
    if (log === undefined || id === undefined || !isEventId(id) || positions.has(log))
      throw invalidLastEventId(text)
    positions.set(log, id)
  }
  return positions
}

/**
 * Creates the error for a `lastEventId` that no channel has issued. Quotes only the start of the
 * id.
 */
export function invalidLastEventId(text: string): RealtimeError {
  const start = JSON.stringify(text.length > 48 ? `${text.slice(0, 48)}…` : text)
  return new RealtimeError(
    'INVALID_LAST_EVENT_ID',
    `${start} is not an event id of this channel. Send the id of the last event received, unchanged, or none at all.`,
  )
}
