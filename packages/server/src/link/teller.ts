import { getTRPCErrorFromUnknown, isTrackedEnvelope, TRPCError } from '@trpc/server'
import type { FeedEvent, Gap } from '../log-event.ts'
import type { Mutable } from '../mutable.ts'
import type { Counters } from './connections.ts'
import type { SubscriptionFrames } from './frames.ts'

/** Where a subscription's frames go: its connection, or its share of one. */
export interface Outlet {
  send(bytes: Uint8Array): void
  /** Whether the other end is too far behind to be sent more. */
  isFull(): boolean
  /** Calls back each time there is room again. There is one such callback. */
  onRoom(callback: () => void): void
}

/** What a subscription is told with. */
export interface TellerOptions {
  readonly outlet: Outlet
  readonly frames: SubscriptionFrames
  /** What the procedure was given. Aborts when the subscription is over for somebody else's reason. */
  readonly signal: AbortSignal
  readonly lastEventId: string | undefined
  /** Where events and gaps are counted. */
  readonly counters: Pick<Counters, 'eventsSent' | 'gaps'>
  /** Called once, before anything is sent, with the position at which the subscription starts, if it has one. */
  onStart(position: string | undefined): void
  /** Writes an error as JSON, having told whoever wants to know. */
  formatError(error: TRPCError): string
  /** Called once, when nothing comes any more. */
  onEnd(): void
}

/** Tells a client what happens to one subscription: each thing once, nothing before its start or after its end. */
export interface Teller {
  readonly ended: boolean
  readonly started: boolean
  /** Starts it, at a position if it has one. Does nothing the second time. */
  start(position: string | undefined): void
  /** An event of a channel. */
  event(event: FeedEvent): void
  /** What another kind of procedure yielded. */
  value(value: unknown): void
  gap(gap: Gap): void
  /** Where it stands, if the client does not know that already. */
  position(position: string | undefined): void
  complete(): void
  fail(cause: unknown): void
  /** Ends it without a word. */
  end(): void
}

/** Creates the teller of one subscription; `onEnd` is called once. It ends when its signal aborts. */
export function createTeller(options: TellerOptions, onEnd: () => void): Teller {
  const { outlet, frames, signal, counters } = options
  // The id that the client holds, and resumes from; never one that can't be written.
  let held = isOneLine(options.lastEventId) ? options.lastEventId : undefined

  function start(position: string | undefined): void {
    if (teller.started || teller.ended) return
    teller.started = true
    // A merge of nothing stands nowhere: its id is empty.
    held = position || held
    options.onStart(position && held)
  }

  function finish(frame: Uint8Array | undefined): void {
    if (teller.ended) return
    teller.ended = true
    if (frame) outlet.send(frame)
    onEnd()
  }

  const end = (): void => finish(undefined)
  signal.addEventListener('abort', end, { once: true })

  const teller: Mutable<Teller> = {
    start,
    end,
    ended: signal.aborted,
    started: false,
    event(event) {
      held = event.id
      outlet.send(frames.event(event))
      counters.eventsSent += 1
    },
    value(value) {
      if (isTrackedEnvelope(value)) held = value[0]
      outlet.send(frames.value(value, held))
      counters.eventsSent += 1
    },
    gap(gap) {
      if (teller.ended) return
      start(undefined)
      counters.gaps += 1
      held = gap.position
      outlet.send(frames.gap(gap))
    },
    position(position) {
      if (teller.ended || !position || position === held) return
      start(undefined)
      held = position
      outlet.send(frames.position(position))
    },
    complete: () => finish(frames.complete),
    fail(cause) {
      start(undefined)
      // The field's word for "the call was aborted": nothing went wrong that anybody could be told.
      if (isAbortError(cause) || (teller.ended && cause instanceof TRPCError && isAbortError(cause.cause)))
        return end()
      // Even where nobody waits for an answer any more, the user's code wants to be heard.
      const json = options.formatError(getTRPCErrorFromUnknown(cause))
      finish(frames.error(json))
    },
  }
  return teller
}

function isOneLine(id: string | undefined): boolean {
  return id !== undefined && !/[\r\n\0]/.test(id)
}

function isAbortError(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'name' in cause && cause.name === 'AbortError'
}
