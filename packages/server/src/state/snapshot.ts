import { type Clock, type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { ChannelLog, LogPage } from '../backend/backend.ts'
import type { EntriesPage } from '../backend/entries.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import { payloadOf, payloadText } from '../backend/stored-bytes.ts'
import type { Codec } from '../codec/codec.ts'
import { pageBytes, pageLimit } from '../hub/page-reader.ts'
import { createReadGroup, type Reads, readInTurn } from '../hub/reads.ts'
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
}

/** The maximum number of attempts. An attempt fails if changes are trimmed before they are read. */
const maxTries = 4

/**
 * Reads all entries of a log, page by page. The pages are of different moments. So the changes
 * between the first and the last page are read and applied, too: the result is exactly the map at
 * its position.
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
    let page = await readEntries(undefined)
    const from = page.lastEventId
    addPage(entries, page, options)
    while (page.next !== undefined) {
      page = await readEntries(page.next)
      addPage(entries, page, options)
    }
    const to = page.lastEventId
    if (await applyChanges(entries, { from, to }, { readEvents, codec: options.codec }))
      return { entries, lastEventId: to }
  }
  const message = `${maxTries} snapshots were read, and each time changes were gone before they were read. Raise \`retain.events\`.`
  throw new RealtimeError('GAP', message)
}

function addPage(
  entries: Map<string, unknown>,
  page: EntriesPage,
  { decode }: SnapshotOptions,
): void {
  for (const [key, text] of page.entries) entries.set(key, decode(text))
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
      const change = toStateChange(codec.deserialize(payloadText(payloadOf(event))))
      if (change?.type === 'set') entries.set(change.key, change.value)
      else if (change) entries.delete(change.key)
      if (position === to) break
    }
  }
  return true
}
