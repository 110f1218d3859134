import type { Clock, EventId } from '@trpc-sse/protocol'
import type { LogPage, StoredEvent } from '../backend/backend.ts'
import { payloadOf, payloadText } from '../backend/stored-bytes.ts'
import type { Codec } from '../codec/codec.ts'
import type { FeedEvent } from '../hub/log-event.ts'
import type { RunFold } from './definition.ts'
import { applyFold, initialValue } from './fold-value.ts'
import { type EndMarker, toStoredItem } from './items.ts'
import type { RunEntries } from './run-log.ts'

/** The value of a run at one position of its log. */
export interface FoldedRun {
  readonly value: unknown
  /** What followers get for it. It is encoded once for all of them. */
  readonly event: FeedEvent
  /** Set if the run had ended. */
  readonly end: EndMarker | undefined
  /** Set if deltas are missing from the value: they are no longer in the log. */
  readonly isIncomplete: boolean
}

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

/** The values of runs that were read a moment ago, by log: many who ask share one read. */
export class FoldCache {
  readonly #clock: Clock
  readonly #reads = new Map<string, Promise<FoldedRun>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns the value of a run, of a moment ago perhaps. */
  read(key: string, options: FoldOptions): Promise<FoldedRun> {
    const known = this.#reads.get(key)
    if (known) return known
    const reading = foldRun(options)
    this.#reads.set(key, reading)
    const forget = (): boolean => this.#reads.delete(key)
    reading.then(() => this.#clock.after(reusedForMs, forget), forget)
    return reading
  }
}

/** Reads the value of a run. Rejects if it can't be read, or if the fold throws. */
export async function foldRun({
  fold,
  codec,
  readEntries,
  readPage,
}: FoldOptions): Promise<FoldedRun> {
  const stored = (await readEntries()).fold
  let value = stored ? codec.deserialize(stored.text) : initialValue(fold, codec)
  let position = stored?.id
  let end: EndMarker | undefined
  let isIncomplete = false
  for (;;) {
    const page = await readPage(position)
    isIncomplete ||= page.trimmed === true
    for (const event of page.events) {
      isIncomplete ||= position !== undefined && event.prev !== position
      const item = toStoredItem(decode(codec, event))
      if (item?.type === 'end') end = item
      else if (item) value = applyFold(fold, value, item.data)
      position = event.id
    }
    if (page.events.length > 0 && position !== page.lastEventId) continue
    isIncomplete ||= position !== undefined && position !== page.lastEventId
    return { value, end, isIncomplete, event: foldEvent(page.lastEventId, value, codec) }
  }
}

function decode(codec: Codec, event: StoredEvent): unknown {
  return codec.deserialize(payloadText(payloadOf(event)))
}

function foldEvent(id: EventId, value: unknown, codec: Codec): FeedEvent {
  const decoded = { value: { type: 'fold', value } }
  return { kind: 'event', id, data: undefined, codec, decoded, frame: undefined }
}
