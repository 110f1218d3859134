import { type Clock, type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { ChannelLog, LogPage, StoredEvent } from '../backend/backend.ts'
import type { EntriesPage } from '../backend/entries.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import { payloadOf, payloadText } from '../backend/stored-bytes.ts'
import type { Codec } from '../codec/codec.ts'
import { pageBytes, pageLimit } from '../hub/page-reader.ts'
import { createReadGroup, type Reads, readInTurn } from '../hub/reads.ts'
import type { ErrorStage } from '../hub/report.ts'
import { toStateChange } from './changes.ts'

/** All entries of a log at one position. */
export interface Snapshot {
  readonly entries: ReadonlyMap<string, unknown>
  readonly lastEventId: EventId
}

/** Options of {@link readSnapshot}. */
export interface SnapshotOptions {
  readonly log: ChannelLog
  readonly backend: EntriesBackend
  readonly codec: Codec
  readonly reads: Reads
  readonly clock: Clock
  /** The approximate number of entries in one page. */
  readonly pageSize: number
  /** Decodes the stored text of an entry to its value. */
  decode(text: string): unknown
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
}

/** The maximum number of attempts. An attempt fails if changes are trimmed before they are read. */
const maxTries = 4

/**
 * Reads all entries of a log, page by page. The pages are of different moments. So the changes
 * between the first and the last page are read and applied, too: the result is exactly the map at
 * its position. Entries that can't be decoded are left out and reported, as such events are.
 */
export async function readSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const { log, backend, reads, clock } = options
  const turn = { log: log.key, group: createReadGroup() }
  const readEntries = (after: string | undefined): Promise<EntriesPage> =>
    readInTurn(reads, turn, () =>
      backend.entries(log, {
        limit: clock.rare?.('page of one') ? 1 : options.pageSize,
        ...(after !== undefined && { after }),
      }),
    )
  const readEvents = (after: EventId): Promise<LogPage> =>
    readInTurn(reads, turn, () =>
      backend.read(log, { after, limit: pageLimit(clock), maxBytes: pageBytes }),
    )

  for (let tries = 0; tries < maxTries; tries++) {
    const entries = new Map<string, unknown>()
    const undecodable: string[] = []
    let page = await readEntries(undefined)
    const from = page.lastEventId
    undecodable.push(...addPage(entries, page, options))
    while (page.next !== undefined) {
      page = await readEntries(page.next)
      undecodable.push(...addPage(entries, page, options))
    }
    const to = page.lastEventId
    if (await applyChanges(entries, { from, to }, { readEvents, codec: options.codec })) {
      if (undecodable.length > 0) options.report(leftOut(undecodable), 'decode', log)
      return { entries, lastEventId: to }
    }
  }
  const message = `${maxTries} snapshots were read, and each time changes were gone before they were read. Raise \`retain.events\`.`
  throw new RealtimeError('GAP', message)
}

/** Adds the entries of a page. Returns the keys of those that can't be decoded. */
function addPage(
  entries: Map<string, unknown>,
  page: EntriesPage,
  { decode }: SnapshotOptions,
): readonly string[] {
  return page.entries.flatMap(([key, text]) => {
    try {
      entries.set(key, decode(text))
      return []
    } catch {
      return key
    }
  })
}

function leftOut(keys: readonly string[]): RealtimeError {
  const message = `${keys.length} entries can't be decoded (${JSON.stringify(keys[0])} first), so the snapshot is without them. Check what else writes to this map, and with which transformer.`
  return new RealtimeError('UNDECODABLE_EVENT', message)
}

/** Applies the changes between two positions. Returns whether none of them was missing. */
async function applyChanges(
  entries: Map<string, unknown>,
  { from, to }: { readonly from: EventId; readonly to: EventId },
  {
    readEvents,
    codec,
  }: { readEvents: (after: EventId) => Promise<LogPage>; readonly codec: Codec },
): Promise<boolean> {
  let position = from
  while (position !== to) {
    const { events } = await readEvents(position)
    if (events.length === 0) return false
    for (const event of events) {
      if (event.prev !== position) return false
      position = event.id
      const change = toStateChange(decodeEvent(event, codec))
      if (change?.type === 'set') entries.set(change.key, change.value)
      else if (change) entries.delete(change.key)
      if (position === to) break
    }
  }
  return true
}

/** Decodes an event. Returns `undefined` if that fails: the reader of the log reports it. */
function decodeEvent(event: StoredEvent, codec: Codec): unknown {
  try {
    return codec.deserialize(payloadText(payloadOf(event)))
  } catch {
    return undefined
  }
}
