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

/** An event as `history` returns it. */
export interface HistoryEvent<TEvent> {
  readonly id: EventId
  readonly data: TEvent
  /** When it was stored, by the log's clock. */
  readonly at: Date
}

/**
 * What to read: the newest `last` events, or up to `limit` events (default 100) after an id. Whole
 * numbers from 1 to 10,000.
 */
export type HistoryRange =
  | { readonly last: number }
  | { readonly after: EventId; readonly limit?: number }

/** Part of a channel's log, oldest event first. */
export interface History<TEvent> {
  readonly events: ReadonlyArray<HistoryEvent<TEvent>>
  /** The channel's newest id at the moment of the read. A subscription from it misses nothing. */
  readonly lastEventId: EventId
}

/** What history is read with. */
export interface HistorySource {
  readonly log: ChannelLog
  readonly backend: Backend
  readonly reads: Reads
  readonly codec: Codec
  readonly clock: Clock
  report(error: unknown, stage: 'decode', log: ChannelLog): void
}

/** How long a call may take, including the waits for its turns to read, in milliseconds. */
const timeoutMs = 10_000
/** The most events of one call. */
const maxEvents = 10_000

/**
 * Reads events, page by page, up to the end of the log as the first page reports it. If events are
 * dropped meanwhile, the result starts after them.
 */
export async function readHistory<TEvent>(
  source: HistorySource,
  range: HistoryRange,
): Promise<History<TEvent>> {
  const { from, limit } = readRange(range)
  const { events, lastEventId } = await withTimeout(source, (read) => readPages(read, from, limit))
  return { events: events.flatMap((event) => decode<TEvent>(source, event)), lastEventId }
}

/** Reads the id of the newest event, retained or not. */
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

/** Decodes one event; an undecodable one is reported and left out. */
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

/** Runs work that reads pages. All of its reads share one deadline. */
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
