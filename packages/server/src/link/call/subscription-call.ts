import type { AnyTRPCRouter, TRPCDataTransformer } from '@trpc/server'
import type { FeedEvent } from '../../hub/log-event.ts'
import { isTracked } from '../../shared-state.ts'
import type { CallContext } from '../../subscription/call-context.ts'
import type { Gap } from '../../subscription/feed.ts'
import { comesFromNowhere } from '../../subscription/recent-ids.ts'
import type { AsyncContext } from '../../user-code/async-context.ts'
import { mustBeValue } from '../../user-code/calls.ts'
import type { Connection } from '../connection/connection.ts'
import type { Counters } from '../connection/counters.ts'
import type { ReportError } from '../request/services.ts'
import type { RequestSubject } from '../request/subscription-request.ts'
import { errorJson } from '../router.ts'
import { callError, errorOf, isAbortError } from './errors.ts'
import { warnOfLoss } from './warn-of-loss.ts'
import type { WireWriter } from './wire-writer.ts'

/** What the subscriptions of a link have in common in one mode of the wire. */
export interface WireMode {
  readonly router: AnyTRPCRouter
  /** The router's transformer; `undefined` where it changes nothing. */
  readonly output: TRPCDataTransformer | undefined
  readonly writer: WireWriter
  /** Counts events and gaps. */
  readonly counters: Pick<Counters, 'eventsSent' | 'gaps' | 'cutOff'>
  /** How many bytes of what an observable emitted may wait for a client that doesn't read. */
  readonly maxQueuedBytes: number
  /**
   * Whether an AbortError of the procedure ends the stream without an error, as in tRPC. The client
   * reconnects.
   */
  readonly endsSilentlyOnAbort: boolean
  /**
   * Called once, before anything is sent, with the position where the subscription starts, if it
   * has one.
   */
  onStart(call: SubscriptionCall, position: string | undefined): void
  /** Called once, when nothing more is sent. */
  onEnd(call: SubscriptionCall): void
}

/** What a call sends: the events of a channel, or what an observable emits. */
export interface CallSource {
  /** The position that the client may resume from; `undefined` if there is none yet. */
  position(): string | undefined
  /** Stops it. */
  close(): void
}

/** Options of a {@link SubscriptionCall}. */
export interface SubscriptionCallOptions {
  readonly mode: WireMode
  readonly connection: Connection
  /** The async context of the request that asked for it, in which all code of the user's runs. */
  readonly context: AsyncContext
  /** Aborts when the call is over: the procedure gets its signal. */
  readonly over: AbortController
  /** Names the subscription on its connection in multiplexed mode; `''` in single mode. */
  readonly key: string
  readonly subject: RequestSubject
  /** The id that the client resumes from. */
  readonly lastEventId: string | undefined
  readonly reportError: ReportError
}

/**
 * One call of a subscription procedure, and what the client is sent of it: each thing once, nothing
 * before the start or after the end.
 */
export class SubscriptionCall implements CallContext {
  readonly mode: WireMode
  readonly connection: Connection
  readonly over: AbortController
  readonly key: string
  readonly subject: RequestSubject
  readonly lastEventId: string | undefined
  context: AsyncContext
  /** What `createContext` made; `undefined` until then. */
  ctx: unknown = undefined
  /** What it sends, once the procedure has returned it. */
  source: CallSource | undefined = undefined
  /** Whether it sends snapshots, and events after them; `undefined` if only the app knows. */
  live: boolean | undefined = undefined
  /** Whether the client was sent the position where a channel's events start. */
  positionSent = false
  readonly #reportError: ReportError
  /** What comes right before each event in multiplexed mode: shared by all with the same key. */
  readonly #eventHead: Uint8Array | undefined
  #state: 'waiting' | 'started' | 'ended'
  /** The id that the client has, and resumes from. */
  #clientPosition: string | undefined

  constructor(options: SubscriptionCallOptions) {
    const { mode, key, lastEventId } = options
    this.mode = mode
    this.connection = options.connection
    this.over = options.over
    this.key = key
    this.subject = options.subject
    this.lastEventId = lastEventId
    this.context = options.context
    this.#reportError = options.reportError
    this.#eventHead = mode.writer.eventHead(key)
    this.#state = options.over.signal.aborted ? 'ended' : 'waiting'
    // An id with a line break can't be written.
    this.#clientPosition = isOneLine(lastEventId) ? lastEventId : undefined
  }

  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  /**
   * Tells the client that it has started, at a position if it has one. Does nothing the second
   * time.
   */
  start(position: string | undefined): void {
    if (this.#state !== 'waiting') return
    this.#state = 'started'
    // The id of an empty merge is empty: it has no position.
    this.#clientPosition = position || this.#clientPosition
    this.mode.onStart(this, position && this.#clientPosition)
  }

  /** Sends an event of a channel. */
  sendEvent(event: FeedEvent): void {
    // A transformer may throw: then nothing of the event is sent.
    const parts = this.mode.writer.event(this.key, event)
    if (this.hasEnded) return
    this.#clientPosition = event.id
    if (this.#eventHead) this.connection.send(this.#eventHead)
    for (const part of parts) this.connection.send(part)
    this.mode.counters.eventsSent += 1
  }

  /** Sends a value that a procedure of another kind yielded. */
  sendValue(value: unknown): void {
    this.sendFrame(this.writeValue(value))
  }

  /**
   * Writes the frame of a value. Its id is the client's position from then on. Throws what the
   * transformer throws.
   */
  writeValue(value: unknown): Uint8Array {
    mustBeValue(isTracked(value) ? value[1] : value, `"${this.subject.path}"`)
    if (isTracked(value)) {
      const [id] = value
      if (this.lastEventId !== undefined && comesFromNowhere(id))
        warnOfLoss(this.mode.router, this.subject.path)
      this.#clientPosition = id
    }
    return this.mode.writer.value(this.key, value, this.#clientPosition)
  }

  /** Sends the frame of a value. */
  sendFrame(frame: Uint8Array): void {
    this.connection.send(frame)
    this.mode.counters.eventsSent += 1
  }

  /** Tells the client about a gap. */
  sendGap(gap: Gap): void {
    if (this.hasEnded) return
    this.start(undefined)
    this.mode.counters.gaps += 1
    this.#clientPosition = gap.position
    this.connection.send(this.mode.writer.gap(this.key, gap))
  }

  /** Sends the client its position, unless it has it already. */
  sendPosition(position: string | undefined): void {
    if (this.hasEnded || !position || position === this.#clientPosition) return
    this.start(undefined)
    this.#clientPosition = position
    this.connection.send(this.mode.writer.position(this.key, position))
  }

  /** Sends the client its present position, if the call has started. */
  sendPresentPosition(): void {
    if (this.#state === 'started') this.sendPosition(this.source?.position())
  }

  turn(signal: AbortSignal): Promise<void> | undefined {
    return this.connection.readGroup.turn(signal)
  }

  /** Ends it: the procedure is done. */
  complete(): void {
    this.start(undefined)
    this.#finish(() => this.mode.writer.complete(this.key))
  }

  /** Ends it with an error. */
  fail(cause: unknown): void {
    this.start(undefined)
    if (this.#isCancelled(cause)) {
      this.stop()
      return
    }
    // The app hears of an error even if the client is gone.
    const json = this.report(cause)
    this.#finish(() => this.mode.writer.error(this.key, json))
  }

  /** Ends it, and sends nothing more. */
  stop(): void {
    this.#finish(undefined)
  }

  /** Reports an error to the app. Returns the JSON that the client gets. */
  report(cause: unknown): string {
    const { ctx, subject } = this
    const about = { path: subject.path, input: subject.input, ctx }
    const error = callError(cause)
    return this.context.runInAsyncScope(() => {
      this.#reportError(error, about)
      return errorJson({ router: this.mode.router, error, ...about })
    })
  }

  /**
   * Whether the call was cancelled, and has not failed. An AbortError while the call continues is a
   * failure like any other: that of a fetch of the procedure's, for example.
   */
  #isCancelled(cause: unknown): boolean {
    const isOver = this.hasEnded || this.over.signal.aborted
    if (isAbortError(cause)) return isOver || this.mode.endsSilentlyOnAbort
    return isOver && isAbortError(errorOf(cause).cause)
  }

  #finish(writeLast: (() => Uint8Array) | undefined): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    if (writeLast) this.connection.send(writeLast())
    this.source?.close()
    this.mode.onEnd(this)
  }
}

function isOneLine(id: string | undefined): boolean {
  return id !== undefined && !/[\r\n\0]/.test(id)
}
