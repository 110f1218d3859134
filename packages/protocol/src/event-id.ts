import { RealtimeError } from './errors.ts'

/**
 * Names one event of one log: `<milliseconds>-<sequence>`, both decimal, as Redis streams number
 * their entries (https://redis.io/docs/latest/develop/data-types/streams/#entry-ids). Later events
 * have greater ids.
 */
export type EventId = string

/** An id that comes before every event. */
export const firstEventId: EventId = '0-0'

/** The longest valid `lastEventId`, in characters: 200 channels in one merged subscription. */
export const maxLastEventIdLength = 8_192

// Redis ids are two unsigned 64-bit numbers: at most 20 digits each.
const eventIdPattern = /^(0|[1-9]\d{0,19})-(0|[1-9]\d{0,19})$/

/** Tells whether a text has the form of an event id. */
export function isEventId(text: string): boolean {
  return text.length <= 41 && eventIdPattern.test(text)
}

/**
 * Orders two event ids: negative if `a` is before `b`, 0 if they are the same. Makes no garbage:
 * readers ask it a lot.
 */
export function compareEventIds(a: EventId, b: EventId): number {
  const timeLength = a.indexOf('-')
  // Numbers without leading zeros: of two lengths the longer is greater, of one length the order is
  // that of the text.
  if (timeLength !== b.indexOf('-')) return timeLength - b.indexOf('-')
  if (a.length !== b.length && a.startsWith(b.slice(0, timeLength))) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Milliseconds since 1970 at which an event was stored, by its log's clock. */
export function eventTimeMs(id: EventId): number {
  return Number(id.slice(0, id.indexOf('-')))
}

/**
 * Writes the position in many logs as one id: `<log>=<event id>` for each, joined by `,`. A log is
 * named by a short hash that the server makes; the text says nothing that a reader could turn into
 * a channel.
 */
export function formatCompositeId(positions: ReadonlyMap<string, EventId>): string {
  let text = ''
  for (const [log, id] of positions) text += `${text === '' ? '' : ','}${log}=${id}`
  return text
}

/** Reads what {@link formatCompositeId} wrote. Throws `INVALID_LAST_EVENT_ID` for anything else. */
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

/** The error for a `lastEventId` that is not one of ours. Quotes no more than the start of it. */
export function invalidLastEventId(text: string): RealtimeError {
  const start = JSON.stringify(text.length > 48 ? `${text.slice(0, 48)}…` : text)
  return new RealtimeError(
    'INVALID_LAST_EVENT_ID',
    `${start} is not an event id of this channel. Send the id of the last event received, unchanged, or none at all.`,
  )
}
