import { TRPCError } from '@trpc/server'
import { compareEventIds, type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import { eventValue } from '../hub/log-event.ts'
import type { Feed, FeedEnd, FeedItem, Gap, LogFeed, ReaderState } from '../subscription/feed.ts'
import { beforeSnapshot } from '../subscription/live.ts'
import type { FoldedRun, RunPresence } from './fold.ts'
import {
  afterEnd,
  type EndItem,
  type EndMarker,
  itemEvent,
  type RunItem,
  toStoredItem,
} from './items.ts'
import type { StartWait } from './start-wait.ts'

/** The presence of a run, and its value if it has a fold. */
export interface ReadRun {
  readonly presence: RunPresence
  readonly folded: FoldedRun | undefined
  /** The end of a run without a fold, if it had ended, and the log's last id at that moment. */
  readonly ended?: { readonly end: EndMarker; readonly lastEventId: EventId } | undefined
}

/** Options of {@link RunFeed}. */
export interface RunFeedOptions {
  /** The position to resume from; `undefined` to start from the beginning. */
  readonly lastEventId: EventId | undefined
  /** Opens a feed of the events after an id. Without an id, it has all retained events. */
  open(after: EventId | undefined): LogFeed
  /** Whether the run has a fold. If so, the feed starts with its value. */
  readonly hasFold: boolean
  /** Reads the run, with its value if it has a fold. Never returns the value `outdated`. */
  readRun(outdated: FoldedRun | undefined): Promise<ReadRun>
  /** Creates the wait for a start. Called only for a follower that starts from the beginning. */
  waitForStart(): StartWait
  readonly codec: Codec
  /** Called when there may be an item. */
  wake(): void
}

/**
 * A feed of a run: the value of the fold, if the run has one, and the deltas that follow, until the
 * run ends. If deltas are missing, a new value replaces them. A mark shows when the follower has
 * caught up.
 */
export class RunFeed implements Feed {
  readonly #options: RunFeedOptions
  #cursor: LogFeed | undefined
  /** Until the run has begun, a resume starts from the beginning. */
  #position: string
  /** Whether the run must be read, at the start or after a gap. */
  #isReadDue = false
  #gap: Gap | undefined
  #isReading = false
  /** Returns the run that was read, or throws the error of the read. */
  #run: (() => ReadRun) | undefined
  /** The last value that the feed has delivered. */
  #folded: FoldedRun | undefined
  /** Whether the mark is still to be delivered. */
  #isMarkDue = true
  /** The wait for the start; `undefined` once the run has begun. */
  #startWait: StartWait | undefined
  #end: EndItem | undefined
  /** Whether the last item was delivered. */
  #isEndTaken = false
  #isClosed = false

  constructor(options: RunFeedOptions) {
    const { lastEventId = beforeSnapshot, hasFold } = options
    this.#options = options
    this.#position = lastEventId
    if (lastEventId === afterEnd) return
    const isNew = lastEventId === beforeSnapshot
    if (isNew) this.#startWait = options.waitForStart()
    if (isNew && hasFold) this.#isReadDue = true
    else this.#open(isNew ? undefined : lastEventId)
  }

  position(): string {
    return this.#position
  }

  next(): FeedItem | undefined {
    for (;;) {
      if (this.#position === afterEnd) return end
      if (this.#canMark()) return this.#takeMark()
      if (this.#end) return this.#takeEnd(this.#end)
      if (this.#isReadDue) {
        const take = this.#run
        if (take === undefined) return this.#read()
        this.#run = undefined
        this.#isReadDue = false
        const item = this.#takeRun(take())
        if (item) return item
        continue
      }
      const item = this.#cursor?.next()
      if (item === undefined) {
        if (this.#canMark()) continue
        if (!this.#startWait?.isOver()) return undefined
        this.#end = { type: 'end', status: 'none' }
        continue
      }
      if (item.kind === 'gap') {
        this.#gap = item
        this.#isReadDue = true
        continue
      }
      this.#hasBegun()
      const stored = toStoredItem(eventValue(item))
      if (stored?.type === 'end') this.#end = stored
      else if (stored) {
        this.#position = item.id
        return item
      }
    }
  }

  needValues(): void {
    // The feed always needs values, to find the end.
  }

  isTooFarBehind(): boolean {
    return false
  }

  readers(): readonly ReaderState[] {
    return this.#cursor?.readers() ?? []
  }

  close(): void {
    this.#isClosed = true
    this.#startWait?.end()
    this.#cursor?.close()
  }

  #hasBegun(): void {
    this.#startWait?.end()
    this.#startWait = undefined
  }

  #open(after: EventId | undefined): void {
    this.#cursor = this.#options.open(after)
    this.#cursor.needValues()
  }

  #item(item: RunItem<unknown, unknown>): FeedItem {
    return itemEvent(this.#position, item, this.#options.codec)
  }

  #canMark(): boolean {
    if (!this.#isMarkDue || this.#isReadDue) return false
    return this.#end !== undefined || this.#cursor?.hasCaughtUp() === true
  }

  #takeMark(): FeedItem {
    this.#isMarkDue = false
    return this.#item({ type: 'caught-up' })
  }

  /** Returns the last item, then throws. The position stays, so that a resume fails again. */
  #takeEnd(end: EndItem): FeedItem {
    const completes = end.status === 'completed' || end.status === 'stopped'
    if (!completes && this.#isEndTaken) throw endError(end)
    this.#isEndTaken = true
    if (completes) this.#position = afterEnd
    return this.#item(end)
  }

  /** Continues with a run that was read, at the start or after a gap. */
  #takeRun({ presence, folded, ended }: ReadRun): FeedItem | undefined {
    const gap = this.#gap
    this.#gap = undefined
    if (presence === 'lost') throw lost('Deltas of the run were lost, so its value is not known.')
    const isNew = this.#position === beforeSnapshot
    if (presence === 'whole') this.#hasBegun()
    if (presence === 'none' && !isNew) throw lost('The run is no longer known.')
    // A run that has not begun has no deltas that could be missed.
    if (!folded) {
      // The follower may have missed the end itself, if the log doesn't know its position.
      if (gap && ended && compareEventIds(gap.position, ended.lastEventId) >= 0)
        this.#end = ended.end
      return presence === 'none' ? undefined : gap
    }
    this.#folded = folded
    this.#isMarkDue = true
    this.#position = folded.event.id
    this.#cursor?.close()
    this.#end = folded.end
    if (!folded.end) this.#open(folded.after)
    return folded.event
  }

  #read(): undefined {
    if (this.#isReading) return
    this.#isReading = true
    const settle = (run: () => ReadRun): void => {
      this.#isReading = false
      if (this.#isClosed) return
      this.#run = run
      this.#options.wake()
    }
    this.#options.readRun(this.#folded).then(
      (run) => settle(() => run),
      (error: unknown) =>
        settle(() => {
          throw error
        }),
    )
  }
}

const end: FeedEnd = { kind: 'end' }
const notStarted = 'The run has not begun in time (waitForStartMs). Start it, and follow it again.'

/** Creates the error that a subscription ends with. Clients don't retry its codes. */
function endError({ status, reason }: EndItem): TRPCError {
  if (status === 'failed') {
    const cause = new RealtimeError('RUN_FAILED', reason ?? 'The run failed.')
    return new TRPCError({ code: 'UNPROCESSABLE_CONTENT', message: cause.message, cause })
  }
  if (status === 'none') {
    const cause = new RealtimeError('RUN_NOT_STARTED', notStarted)
    return new TRPCError({ code: 'NOT_FOUND', message: cause.message, cause })
  }
  const message = 'The run was abandoned: its producer is gone. Start another run.'
  const cause = new RealtimeError('RUN_ABANDONED', message)
  return new TRPCError({ code: 'CONFLICT', message, cause })
}

/** Creates the error for a run that can no longer be followed. Clients don't retry it. */
function lost(what: string): TRPCError {
  const cause = new RealtimeError('GAP', `${what} Start another run.`)
  return new TRPCError({ code: 'PRECONDITION_FAILED', message: cause.message, cause })
}
