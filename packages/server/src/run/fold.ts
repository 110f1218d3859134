import type { Clock, EventId } from '@trpc-sse/protocol'
import type { LogPage, StoredEvent } from '../backend/backend.ts'
import { payloadOf, payloadText } from '../backend/stored-bytes.ts'
import type { Codec } from '../codec/codec.ts'
import type { FeedEvent } from '../hub/log-event.ts'
import { beforeSnapshot } from '../subscription/live.ts'
import { detached } from '../user-code/async-context.ts'
import type { RunFold } from './definition.ts'
import { applyFold, initialValue } from './fold-value.ts'
import { type EndMarker, itemEvent, toStoredItem } from './items.ts'
import type { RunEntries } from './run-log.ts'

/** The value of a run at one position of its log. */
export interface FoldedRun {
  readonly value: unknown
  /** What followers get for it. It is encoded once for all of them. */
  readonly event: FeedEvent
  /** The id after which deltas follow. */
  readonly after: EventId
  /** Set if the run had ended. */
  readonly end: EndMarker | undefined
  readonly presence: RunPresence
}

/**
 * `'none'` if there is no run yet, or no longer; `'lost'` if there was one, but not all of it is
 * left: deltas are missing from the value, or nothing says any more whether it goes on.
 */
export type RunPresence = 'none' | 'whole' | 'lost'

/** What the value of a run is read with. */
export interface FoldOptions {
  readonly fold: RunFold<unknown, unknown>
  readonly codec: Codec
  readEntries(): Promise<RunEntries>
  /** Reads the page after an id; without one, the first page. */
  readPage(after: EventId | undefined): Promise<LogPage>
}

/**
 * How long a value is given to others who ask for it, in milliseconds: deltas that came since follow
 * it. Many followers may join at once.
 */
const reusedForMs = 100

interface CachedRead {
  readonly reading: Promise<FoldedRun>
  /** The value, once it was read. */
  folded?: FoldedRun
}

/** The values of runs that were read a moment ago, by log: many who ask share one read. */
export class FoldCache {
  readonly #clock: Clock
  readonly #reads = new Map<string, CachedRead>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Returns the value of a run, of a moment ago perhaps, but not `outdated`: one that the log
   * doesn't go on from. To a follower that is given it again, nothing else could happen.
   */
  read(key: string, options: FoldOptions, outdated: FoldedRun | undefined): Promise<FoldedRun> {
    const known = this.#reads.get(key)
    if (known && (outdated === undefined || known.folded !== outdated)) return known.reading
    // For all who ask, so outside the async context of the one that asks first.
    const read: CachedRead = { reading: detached(() => foldRun(options)) }
    this.#reads.set(key, read)
    const forget = (): void => {
      if (this.#reads.get(key) === read) this.#reads.delete(key)
    }
    read.reading.then((folded) => {
      read.folded = folded
      this.#clock.after(reusedForMs, forget)
    }, forget)
    return read.reading
  }
}

/** How often the value is read again. */
const rereads = 3

/** Reads the value of a run. Rejects if it can't be read, or if the fold throws. */
export async function foldRun(options: FoldOptions): Promise<FoldedRun> {
  let folded = await readFold(options)
  // The entries and the events are read one after the other. A run that begins or is trimmed in
  // between looks as if deltas were lost.
  for (let i = 0; i < rereads && folded.presence === 'lost'; i++) folded = await readFold(options)
  return folded
}

async function readFold(options: FoldOptions): Promise<FoldedRun> {
  const { codec, readEntries } = options
  const entries = await readEntries()
  const log = await foldLog(options, entries.fold)
  const presence = presenceOf(entries, log)
  const { value, end, after } = log
  // Of a run that has not begun, a resume starts anew.
  const id = presence === 'none' ? beforeSnapshot : after
  return { value, end, after, presence, event: itemEvent(id, { type: 'fold', value }, codec) }
}

/** The value of what is in a log. */
interface FoldedLog extends Pick<FoldedRun, 'value' | 'end' | 'after'> {
  readonly isEmpty: boolean
  readonly isIncomplete: boolean
}

async function foldLog(
  { fold, codec, readPage }: FoldOptions,
  stored: RunEntries['fold'],
): Promise<FoldedLog> {
  let value = stored ? codec.deserialize(stored.text) : initialValue(fold, codec)
  let position = stored?.id
  let isIncomplete = false
  for (;;) {
    const { events, lastEventId, trimmed } = await readPage(position)
    isIncomplete ||= trimmed === true
    for (const event of events) {
      isIncomplete ||= position !== undefined && event.prev !== position
      const item = toStoredItem(decode(codec, event))
      // A resume after the value gets the end once more.
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
