import { TRPCError } from '@trpc/server'
import { type EventId, RealtimeError } from '@trpc-sse/protocol'
import { eventValue } from '../hub/log-event.ts'
import type { EventFeed, Feed, FeedEnd, FeedItem, Gap } from '../subscription/feed.ts'
import { beforeSnapshot } from '../subscription/live.ts'
import type { FoldedRun, RunPresence } from './fold.ts'
import { type EndMarker, toStoredItem } from './items.ts'

/** What is left of a run, and its value, if it has a fold. */
export interface ReadRun {
  readonly presence: RunPresence
  readonly folded: FoldedRun | undefined
}

/** What a {@link RunFeed} is made with. */
export interface RunFeedOptions {
  /** The position to resume from; `undefined` starts with what there is. */
  readonly lastEventId: EventId | undefined
  /** Opens the events after an id; without one, all that are retained. */
  open(after: EventId | undefined): EventFeed
  /** Whether the run has a fold, so that it starts with its value. */
  readonly hasFold: boolean
  /** Reads the run: its value, if it has a fold, which is not the outdated one. */
  readRun(outdated: FoldedRun | undefined): Promise<ReadRun>
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
  /** Until there is a run to resume, a resume starts anew. */
  #position: string
  /** Whether the run is to be read: at the start, or at a gap. */
  #isReadDue = false
  #gap: Gap | undefined
  #isReading = false
  /** Returns the run that was read, or throws why it could not be. */
  #run: (() => ReadRun) | undefined
  /** The value that it was given last. */
  #folded: FoldedRun | undefined
  #end: EndMarker | undefined
  #isClosed = false

  constructor(options: RunFeedOptions) {
    const { lastEventId = beforeSnapshot, hasFold } = options
    this.#options = options
    this.#position = lastEventId
    const isNew = lastEventId === beforeSnapshot
    if (isNew && hasFold) this.#isReadDue = true
    else this.#open(isNew ? undefined : lastEventId)
  }

  position(): string {
    return this.#position
  }

  next(): FeedItem | undefined {
    for (;;) {
      if (this.#end) return ended(this.#end)
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
      if (item === undefined) return undefined
      if (item.kind === 'gap') {
        this.#gap = item
        this.#isReadDue = true
        continue
      }
      const stored = toStoredItem(eventValue(item))
      if (stored?.type === 'end') this.#end = stored
      else if (stored) {
        this.#position = item.id
        return item
      }
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

  /** Goes on with a run that was read, where it starts or after a gap. */
  #takeRun({ presence, folded }: ReadRun): FeedItem | undefined {
    const gap = this.#gap
    this.#gap = undefined
    if (presence === 'lost') throw lost('Deltas of the run were lost, so its value is not known.')
    const isNew = this.#position === beforeSnapshot
    if (presence === 'none' && !isNew) throw lost('The run is no longer known.')
    // Before its start, a run has nothing that could be missed.
    if (!folded) return presence === 'none' ? undefined : gap
    this.#folded = folded
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

/** The error of a run that can't be followed any more. Clients don't retry it. */
function lost(what: string): TRPCError {
  const cause = new RealtimeError('GAP', `${what} Start another run.`)
  return new TRPCError({ code: 'PRECONDITION_FAILED', message: cause.message, cause })
}
