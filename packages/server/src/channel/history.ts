import {
  type Clock,
  type EventId,
  eventTimeMs,
  invalidLastEventId,
  isEventId,
  RealtimeError,
} from '@trpc-sse/protocol'
import type { Backend, ChannelLog, LogPage, ReadFrom } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import { pageBytes, pageSize } from '../hub/page-reader.ts'
import { createReadGroup, type Reads, readInTurn } from '../hub/reads.ts'

/** An event of a channel's history. */
export interface HistoryEvent<TEvent> {
  readonly id: EventId
  readonly data: TEvent
  /** The time at which the event was stored, by the log's clock. */
  readonly at: Date
}

/**
 * The part of the log to read: the newest `last` events, or up to `limit` events (default 100)
 * after an id. Both are whole numbers from 1 to 10,000.
 */
export type HistoryRange =
  | { readonly last: number }
  | { readonly after: EventId; readonly limit?: number }

/** A part of a channel's log, oldest event first. */
export interface History<TEvent> {
  readonly events: ReadonlyArray<HistoryEvent<TEvent>>
  /**
   * The channel's newest id at the moment of the read. A subscription that starts there misses
   * nothing.
   */
  readonly lastEventId: EventId
}

/** The parts of a channel that a read of its history needs. */
export interface HistorySource {
  readonly log: ChannelLog
  readonly backend: Backend
  readonly reads: Reads
  readonly codec: Codec
  readonly clock: Clock
  report(error: unknown, stage: 'decode', log: ChannelLog): void
}

/** The timeout of a call, including waits for its turns to read, in milliseconds. */
const timeoutMs = 10_000
/** The maximum number of events in one call. */
const maxEvents = 10_000

/**
 * Reads events page by page, up to the end of the log that the first page reports. If the log drops
 * events during the reads, the result contains only the events after them.
 */
export async function readHistory<TEvent>(
  source: HistorySource,
  range: HistoryRange,
): Promise<History<TEvent>> {
  const { from, limit } = readRange(range)
  const { events, lastEventId } = await withTimeout(source, (read) => readPages(read, from, limit))
  return { events: events.flatMap((event) => decode<TEvent>(source, event)), lastEventId }
}

/** Returns the id of the newest event, even if the event is no longer retained. */
export async function readLastEventId(source: HistorySource): Promise<EventId> {
  return (await withTimeout(source, (read) => read({ last: 0 }, 1))).lastEventId
}

function readRange(range: HistoryRange): { readonly from: ReadFrom; readonly limit: number } {
  const limit = 'last' in range ? range.last : (range.limit ?? 100)
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > maxEvents) {
    throw new RealtimeError(
      'INVALID_OPTION',
      `history(): ${limit} events. Give a whole number from 1 to ${maxEvents}.`,
    )
  }
  if ('last' in range) return { from: { last: limit }, limit }
  if (!isEventId(range.after)) throw invalidLastEventId(String(range.after))
  return { from: { after: range.after }, limit }
}

async function readPages(read: ReadPage, from: ReadFrom, limit: number): Promise<LogPage> {
  let page = await read(from, limit)
  let { events, lastEventId } = page
  while (events.length < limit && hasNext(page, lastEventId)) {
    page = await read({ after: page.events.at(-1)?.id ?? '' }, limit - events.length)
    const isNext = page.events[0]?.prev === events.at(-1)?.id
    if (!isNext) lastEventId = page.lastEventId
    events = isNext ? events.concat(page.events) : page.events
  }
  const end = events.findIndex(({ id }) => id === lastEventId)
  return { events: end < 0 ? events : events.slice(0, end + 1), lastEventId }
}

function hasNext({ events }: LogPage, lastEventId: EventId): boolean {
  return events.length > 0 && events.every(({ id }) => id !== lastEventId)
}

/** Decodes one event. Returns nothing for an undecodable event, and reports it. */
function decode<TEvent>(
  { codec, report, log }: HistorySource,
  { id, data }: { readonly id: EventId; readonly data: string },
): ReadonlyArray<HistoryEvent<TEvent>> {
  try {
    return [{ id, data: codec.deserialize(data) as TEvent, at: new Date(eventTimeMs(id)) }]
  } catch (error) {
    report(error, 'decode', log)
    return []
  }
}

type ReadPage = (from: ReadFrom, limit: number) => Promise<LogPage>

/** Runs work that reads pages, with one deadline for all of its reads. */
async function withTimeout<TResult>(
  { log, backend, reads, clock }: HistorySource,
  work: (read: ReadPage) => Promise<TResult>,
): Promise<TResult> {
  const group = createReadGroup()
  const controller = new AbortController()
  const { signal } = controller
  const cancel = clock.after(timeoutMs, () => controller.abort(timedOut(log)))
  try {
    return await work((from, limit) => {
      const range = { ...from, limit: Math.min(limit, pageSize), maxBytes: pageBytes }
      return readInTurn(reads, { log: log.key, group, signal }, () =>
        backend.read(log, range, { signal }),
      )
    })
  } finally {
    cancel()
  }
}

function timedOut({ key }: ChannelLog): RealtimeError {
  const message = `Channel ${key} could not be read within ${timeoutMs} ms: too many reads are waiting, or the backend is slow. Try again later.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}
