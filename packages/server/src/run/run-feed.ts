import { TRPCError } from '@trpc/server'
import { type EventId, RealtimeError } from '@trpc-sse/protocol'
import { eventValue, type FeedEvent } from '../hub/log-event.ts'
import type { EventFeed, Feed, FeedEnd, FeedItem } from '../subscription/feed.ts'
import { beforeSnapshot } from '../subscription/live.ts'
import type { FoldedRun } from './fold.ts'
import { type EndMarker, toStoredItem } from './items.ts'

/** What a {@link RunFeed} is made with. */
export interface RunFeedOptions {
  /** The position to resume from; `undefined` starts with what there is. */
  readonly lastEventId: EventId | undefined
  /** Opens the events after an id; without one, all that are retained. */
  open(after: EventId | undefined): EventFeed
  /** Folds the run; `undefined` for a run without a fold. */
  readonly readFold: (() => Promise<FoldedRun>) | undefined
  /** Called when there may be an item. */
  wake(): void
}

/**
 * A feed of a run: the fold, if it has one, and the deltas that follow, until the run ends. Where
 * deltas are missing, another fold replaces them.
 */
export class RunFeed implements Feed {
  readonly #options: RunFeedOptions
  #cursor: EventFeed | undefined
  #position: string | undefined
  #isFoldDue = false
  #isReading = false
  /** Returns the fold that was read, or throws why it could not be. */
  #folded: (() => FoldedRun) | undefined
  #end: EndMarker | undefined
  #isClosed = false

  constructor(options: RunFeedOptions) {
    const { lastEventId, readFold } = options
    const resumeFrom = lastEventId === beforeSnapshot ? undefined : lastEventId
    this.#options = options
    if (resumeFrom === undefined && readFold) {
      this.#isFoldDue = true
      this.#position = beforeSnapshot
    } else {
      this.#open(resumeFrom)
    }
  }

  position(): string | undefined {
    return this.#position ?? this.#cursor?.position()
  }

  next(): FeedItem | undefined {
    for (;;) {
      if (this.#end) return ended(this.#end)
      if (this.#isFoldDue) return this.#nextFold()
      const item = this.#cursor?.next()
      if (item?.kind !== 'event') {
        if (item?.kind !== 'gap' || !this.#options.readFold) return item
        this.#isFoldDue = true
        continue
      }
      const stored = toStoredItem(eventValue(item))
      this.#position = item.id
      if (stored?.type === 'end') this.#end = stored
      else if (stored) return item
    }
  }

  needValues(): void {
    // Each event is looked at, to find the end.
  }

  isTooFarBehind(): boolean {
    return false
  }

  close(): void {
    this.#isClosed = true
    this.#cursor?.close()
  }

  #open(after: EventId | undefined): void {
    this.#cursor = this.#options.open(after)
    this.#cursor.needValues()
  }

  #nextFold(): FeedEvent | undefined {
    const take = this.#folded
    if (take === undefined) {
      this.#read()
      return undefined
    }
    this.#folded = undefined
    const { event, end, isIncomplete } = take()
    if (isIncomplete) throw incomplete()
    this.#isFoldDue = false
    this.#position = event.id
    this.#cursor?.close()
    this.#open(event.id)
    this.#end = end
    return event
  }

  #read(): void {
    if (this.#isReading) return
    this.#isReading = true
    const settle = (folded: () => FoldedRun): void => {
      this.#isReading = false
      if (this.#isClosed) return
      this.#folded = folded
      this.#options.wake()
    }
    this.#options.readFold?.().then(
      (run) => settle(() => run),
      (error: unknown) =>
        settle(() => {
          throw error
        }),
    )
  }
}

const end: FeedEnd = { kind: 'end' }

/** Completes the subscription, or throws the error that ends it. Clients don't retry its codes. */
function ended({ status, reason }: EndMarker): FeedEnd {
  if (status === 'completed' || status === 'stopped') return end
  if (status === 'failed') {
    const cause = new RealtimeError('RUN_FAILED', reason ?? 'The run failed.')
    throw new TRPCError({ code: 'UNPROCESSABLE_CONTENT', message: cause.message, cause })
  }
  const message = 'The run was abandoned: its producer is gone. Start another run.'
  const cause = new RealtimeError('RUN_ABANDONED', message)
  throw new TRPCError({ code: 'CONFLICT', message, cause })
}

function incomplete(): TRPCError {
  const message =
    'Deltas of the run were lost before they were folded, so its value is not known. Start another run.'
  const cause = new RealtimeError('GAP', message)
  return new TRPCError({ code: 'PRECONDITION_FAILED', message, cause })
}
