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

/**
 * The time for which a read value is reused, in milliseconds. Deltas that came later follow the
 * value. Many followers may join at the same time.
 */
const reusedForMs = 100

interface CachedRead {
  readonly reading: Promise<FoldedRun>
  /** The value, once it was read. */
  folded?: FoldedRun
}

/** Caches recently read values of runs, by log, so that many followers share one read. */
export class FoldCache {
  readonly #clock: Clock
  readonly #reads = new Map<string, CachedRead>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Returns the value of a run, which may be slightly old. Never returns `outdated`, a value after
   * which the log doesn't continue: a follower that got it again would make no progress.
   */
  read(key: string, options: FoldOptions, outdated: FoldedRun | undefined): Promise<FoldedRun> {
    const known = this.#reads.get(key)
    if (known && (outdated === undefined || known.folded !== outdated)) return known.reading
    // Detached from the async context of the first caller, as all callers share the read.
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
  let value = stored ? codec.deserialize(stored.text) : initialValue(fold, codec)
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
