import { type Clock, type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, LogPage, ReadFrom, StoredEvent } from '../backend/backend.ts'
import { pageBytes, pageSize } from '../hub/page-reader.ts'
import { createReadGroup, type Reads, readInTurn } from '../hub/reads.ts'

/** What history is read with. */
export interface HistorySource {
  readonly log: ChannelLog
  readonly backend: Backend
  readonly reads: Reads
  readonly clock: Clock
}

/** How long a call may take, with the waits for its turns to read, in milliseconds. */
const patienceMs = 10_000

/**
 * Reads up to `limit` events, page by page, up to where the log stood at the first page. If events were dropped
 * meanwhile, the result starts behind them.
 */
export function readHistory(
  source: HistorySource,
  from: ReadFrom,
  limit: number,
): Promise<LogPage> {
  return readInTime(source, (read) => readPages(read, from, limit))
}

async function readPages(read: ReadPage, from: ReadFrom, limit: number): Promise<LogPage> {
  let page = await read(from, limit)
  let { events, lastEventId } = page
  while (events.length < limit && hasNext(page, lastEventId)) {
    page = await read({ after: lastOf(page) }, limit - events.length)
    const isNext = page.events[0]?.prev === events.at(-1)?.id
    if (!isNext) lastEventId = page.lastEventId
    events = isNext ? events.concat(page.events) : page.events
  }
  const end = events.findIndex(({ id }) => id === lastEventId)
  return { events: end < 0 ? events : events.slice(0, end + 1), lastEventId }
}

/** The id of the newest event, retained or not. */
export async function readLastEventId(source: HistorySource): Promise<EventId> {
  return (await readInTime(source, (read) => read({ last: 0 }, 1))).lastEventId
}

function hasNext({ events }: LogPage, lastEventId: EventId): boolean {
  return events.length > 0 && events.every(({ id }) => id !== lastEventId)
}

function lastOf({ events }: LogPage): EventId {
  const last: StoredEvent | undefined = events.at(-1)
  return last?.id ?? ''
}

type ReadPage = (from: ReadFrom, limit: number) => Promise<LogPage>

/** Reads pages, all of them by one deadline. */
async function readInTime<TResult>(
  { log, backend, reads, clock }: HistorySource,
  work: (read: ReadPage) => Promise<TResult>,
): Promise<TResult> {
  const group = createReadGroup()
  const controller = new AbortController()
  const { signal } = controller
  const cancel = clock.after(patienceMs, () => controller.abort(tooBusy(log)))
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

function tooBusy({ key }: ChannelLog): RealtimeError {
  const message = `Channel ${key} could not be read within ${patienceMs} ms: too many others read too, or the backend is slow. Try again later.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}
