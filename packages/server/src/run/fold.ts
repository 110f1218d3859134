import type { EventId } from '@trpc-sse/protocol'
import type { LogPage, StoredEvent } from '../backend/backend.ts'
import { payloadOf, payloadText } from '../backend/stored-bytes.ts'
import type { Codec } from '../codec/codec.ts'
import type { FeedEvent } from '../hub/log-event.ts'
import { beforeSnapshot } from '../subscription/live.ts'
import type { RunFold } from './definition.ts'
import { applyFold, copyOf } from './fold-value.ts'
import { type EndMarker, itemEvent, toStoredItem } from './items.ts'
import type { RunEntries } from './run-log.ts'

/** The value of a run at one position of its log. */
export interface FoldedRun {
  readonly value: unknown
  /** The event with the value for followers. It is encoded once for all of them. */
  readonly event: FeedEvent
  /** The id after which more deltas follow. */
  readonly after: EventId
  /** Set if the run had ended. */
  readonly end: EndMarker | undefined
  readonly presence: RunPresence
}

/**
 * - `'none'`: there is no run yet, or it is forgotten.
 * - `'whole'`: the value has all deltas so far.
 * - `'lost'`: deltas are missing from the value, or the run's status is lost.
 */
export type RunPresence = 'none' | 'whole' | 'lost'

/** The functions that a read of a run's value needs. */
export interface FoldOptions {
  readonly fold: RunFold<unknown, unknown>
  readonly codec: Codec
  readEntries(): Promise<RunEntries>
  /** Reads the page after an id, or the first page without an id. */
  readPage(after: EventId | undefined): Promise<LogPage>
}

/** The maximum number of repeated reads. */
const rereads = 3

/** Reads the value of a run. Rejects if the run can't be read or the fold throws. */
export async function foldRun(options: FoldOptions): Promise<FoldedRun> {
  let folded = await readFold(options)
  // The entries and the events are read one after the other. If a run begins or is trimmed in
  // between, deltas seem to be lost.
  for (let i = 0; i < rereads && folded.presence === 'lost'; i++) folded = await readFold(options)
  return folded
}

async function readFold(options: FoldOptions): Promise<FoldedRun> {
  const { codec, readEntries } = options
  const entries = await readEntries()
  const log = await foldLog(options, entries.fold)
  const presence = presenceOf(entries, log)
  const { value, end, after } = log
  // If the run has not begun, a resume starts from the beginning.
  const id = presence === 'none' ? beforeSnapshot : after
  return { value, end, after, presence, event: itemEvent(id, { type: 'fold', value }, codec) }
}

/** The result of folding the events in a log. */
interface FoldedLog extends Pick<FoldedRun, 'value' | 'end' | 'after'> {
  readonly isEmpty: boolean
  readonly isIncomplete: boolean
}

async function foldLog(
  { fold, codec, readPage }: FoldOptions,
  stored: RunEntries['fold'],
): Promise<FoldedLog> {
  let value = stored ? codec.deserialize(stored.text) : copyOf(fold.initial, codec)
  let position = stored?.id
  let isIncomplete = false
  for (;;) {
    const { events, lastEventId, trimmed } = await readPage(position)
    isIncomplete ||= trimmed === true
    for (const event of events) {
      isIncomplete ||= position !== undefined && event.prev !== position
      const item = toStoredItem(decode(codec, event))
      // `after` excludes the end, so a resume after the value gets the end again.
      if (item?.type === 'end')
        return { value, end: item, after: event.prev, isEmpty: false, isIncomplete }
      if (item) value = applyFold(fold, value, item.data)
      position = event.id
    }
    if (events.length > 0 && position !== lastEventId) continue
    isIncomplete ||= position !== undefined && position !== lastEventId
    const isEmpty = position === undefined
    return { value, end: undefined, after: lastEventId, isEmpty, isIncomplete }
  }
}

function presenceOf({ state }: RunEntries, { end, isEmpty, isIncomplete }: FoldedLog): RunPresence {
  if (isIncomplete) return 'lost'
  if (end) return 'whole'
  if (state === undefined) return isEmpty ? 'none' : 'lost'
  return state.status === 'running' ? 'whole' : 'lost'
}

function decode(codec: Codec, event: StoredEvent): unknown {
  return codec.deserialize(payloadText(payloadOf(event)))
}
