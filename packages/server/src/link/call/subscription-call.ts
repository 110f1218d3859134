import type { AnyTRPCRouter, TRPCDataTransformer } from '@trpc/server'
import type { TracedSubscription } from '@trpc-sse/protocol'
import type { FeedEvent } from '../../hub/log-event.ts'
import { isTracked } from '../../shared-state.ts'
import type { CallContext } from '../../subscription/call-context.ts'
import type { Gap, ReaderState } from '../../subscription/feed.ts'
import { comesFromNowhere } from '../../subscription/recent-ids.ts'
import type { AsyncContext } from '../../user-code/async-context.ts'
import { mustBeValue } from '../../user-code/calls.ts'
import type { Tracer } from '../../user-code/tracer.ts'
import type { Connection } from '../connection/connection.ts'
import type { Counters } from '../connection/counters.ts'
import { limitFact } from '../connection/refusals.ts'
import type { StreamSubscription } from '../connection/stream-handler.ts'
import type { ReportError } from '../request/services.ts'
import type { RequestSubject } from '../request/subscription-request.ts'
import { errorJson } from '../router.ts'
import type { CallSource } from './call-source.ts'
import { CallTrace } from './call-trace.ts'
import { callError, errorOf, isAbortError } from './errors.ts'
import { warnOfLoss } from './warn-of-loss.ts'
import { canBeWritten, type WireWriter } from './wire-writer.ts'

/** The parts that all subscriptions of a link share in one wire mode. */
export interface WireMode {
  readonly router: AnyTRPCRouter
  /** The output side of the router's transformer; `undefined` if there is none. */
  readonly output: TRPCDataTransformer | undefined
  readonly writer: WireWriter
  /** Counts events and gaps. */
  readonly counters: Pick<Counters, 'eventsSent' | 'gaps' | 'cutOff'>
  readonly tracer: Tracer
  /** The maximum number of bytes from an observable that may wait for a slow client. */
  readonly maxQueuedBytes: number
  /**
   * Whether an AbortError of the procedure ends the stream without an error, as in tRPC. The client
   * reconnects.
   */
  readonly endsSilentlyOnAbort: boolean
  /**
   * Called once before anything is sent, with the position where the subscription starts, if there
   * is one.
   */
  onStart(call: SubscriptionCall, position: string | undefined): void
  /**
   * Called once, when nothing more will be sent. The call's signal aborts with the reason, if there
   * is one.
   */
  onEnd(call: SubscriptionCall, reason: DOMException | undefined): void
}

/** Options of a {@link SubscriptionCall}. */
export interface SubscriptionCallOptions {
  readonly mode: WireMode
  readonly connection: Connection
  /** The async context of the request for the subscription. All user code runs in it. */
  readonly context: AsyncContext
  /** Aborts when the call is over. The procedure gets its signal. */
  readonly over: AbortController
  /** The key of the subscription on its connection in multiplexed mode; `''` in single mode. */
  readonly key: string
  readonly subject: RequestSubject
  /** The id that the client resumes from. */
  readonly lastEventId: string | undefined
  readonly reportError: ReportError
}

/**
 * One call of a subscription procedure. It sends the client each message once, and nothing before
 * the start or after the end.
 */
export class SubscriptionCall implements CallContext, StreamSubscription {
  readonly mode: WireMode
  readonly connection: Connection
  readonly over: AbortController
  readonly key: string
  readonly subject: RequestSubject
  readonly lastEventId: string | undefined
  context: AsyncContext
  /** The result of `createContext`; `undefined` until there is one. */
  ctx: unknown = undefined
  /** The source of the call's values, once the procedure has returned it. */
  source: CallSource | undefined = undefined
  /** Whether the call sends snapshots and events; `undefined` if that is unknown. */
  live: boolean | undefined = undefined
  /** Whether the starting position in the channel was sent to the client. */
  positionSent = false
  readonly #reportError: ReportError
  /** The bytes before each event in multiplexed mode. Calls with the same key share them. */
  readonly #eventHead: Uint8Array | undefined
  #state: 'waiting' | 'started' | 'ended'
  /** The last id that the client has, from which it would resume. */
  #clientPosition: string | undefined
  #trace: CallTrace | undefined

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
    // An id with a line break can't be sent.
    this.#clientPosition = canBeWritten(lastEventId) ? lastEventId : undefined
  }

  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  get path(): string {
    return this.subject.path
  }

  get clientPosition(): string | undefined {
    return this.#clientPosition
  }

  readers(): readonly ReaderState[] {
    return this.source?.readers?.() ?? []
  }

  reportGap(): boolean {
    const position = this.#clientPosition
    // A live subscription has no gaps: it gets a new snapshot instead.
    if (this.hasEnded || position === undefined || !this.source || this.live) return false
    this.sendGap({ kind: 'gap', lastEventId: position, position, reason: 'trimmed', report() {} })
    return true
  }

  /**
   * Tells the client that the subscription has started, and at which position, if it has one.
   * Further calls have no effect.
   */
  start(position: string | undefined): void {
    if (this.#state !== 'waiting') return
    this.#state = 'started'
    // The id of an empty merge is empty, so it has no position.
    this.#clientPosition = position || this.#clientPosition
    this.mode.onStart(this, position && this.#clientPosition)
    const { tracer } = this.mode
    if (!tracer.isOn) return
    this.#trace = new CallTrace(tracer, this.traced(), this.connection.now())
    tracer.report('started', { ...this.traced(), lastEventId: this.#clientPosition })
  }

  /** Returns the facts that name it in a trace. */
  traced(): TracedSubscription {
    return { stream: this.connection.number, key: this.key, path: this.subject.path }
  }

  /** Sends an event of a channel. */
  sendEvent(event: FeedEvent): void {
    const { writer, tracer, counters } = this.mode
    const isNew = event.frame === undefined
    // Write the parts first: a transformer may throw, and then nothing of the event may be sent.
    const parts = writer.event(this.key, event)
    if (this.hasEnded) return
    this.#clientPosition = event.id
    if (this.#eventHead) this.connection.send(this.#eventHead)
    for (const part of parts) this.connection.send(part)
    counters.eventsSent += 1
    if (tracer.isOn)
      this.#traceOf(tracer).sentEvent(event.id, parts, this.#eventHead?.length ?? 0, isNew)
  }

  #traceOf(tracer: Tracer): CallTrace {
    this.#trace ??= new CallTrace(tracer, this.traced(), undefined)
    return this.#trace
  }

  /** Sends a value that an iterable or observable yielded. */
  sendValue(value: unknown): void {
    this.sendFrame(this.writeValue(value))
  }

  /**
   * Writes the frame of a value. The value's id becomes the client's position. Throws the
   * transformer's errors.
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
    if (this.hasEnded) return
    const { counters, tracer } = this.mode
    this.connection.send(frame)
    counters.eventsSent += 1
    if (tracer.isOn) this.#traceOf(tracer).sent(undefined, frame.length)
  }

  /** Sends the client a gap. */
  sendGap(gap: Gap): void {
    this.start(undefined)
    // Traced calls such as `start` may end the call.
    if (this.hasEnded) return
    const { counters, tracer, writer } = this.mode
    counters.gaps += 1
    this.#clientPosition = gap.position
    this.connection.send(writer.gap(this.key, gap))
    const { reason, lastEventId } = gap
    if (tracer.isOn) tracer.report('gap', { ...this.traced(), reason, lastEventId })
  }

  /** Sends the client its position, unless the client has it already. */
  sendPosition(position: string | undefined): void {
    if (this.hasEnded || !position || position === this.#clientPosition) return
    this.start(undefined)
    if (this.hasEnded) return
    this.#clientPosition = position
    this.connection.send(this.mode.writer.position(this.key, position))
  }

  /** Sends the client its current position, if the call has started. */
  sendPresentPosition(): void {
    if (this.#state === 'started') this.sendPosition(this.source?.position())
  }

  turn(signal: AbortSignal): Promise<void> | undefined {
    return this.connection.readGroup.turn(signal)
  }

  /** Ends the subscription, as the procedure is done. */
  complete(): void {
    this.start(undefined)
    this.#finish(() => this.mode.writer.complete(this.key))
  }

  /** Ends the subscription with an error. */
  fail(cause: unknown): void {
    this.start(undefined)
    if (this.#isCancelled(cause)) {
      this.stop()
      return
    }
    // Report the error to the app even if the client is gone.
    const json = this.report(cause)
    this.#finish(() => this.mode.writer.error(this.key, json))
  }

  /** Ends the call without another message. Its signal aborts with the reason, if there is one. */
  stop(reason?: DOMException): void {
    this.#finish(undefined, reason)
  }

  /** Reports an error to the app. Returns the JSON that the client gets. */
  report(cause: unknown): string {
    const { ctx, subject } = this
    const about = { path: subject.path, input: subject.input, ctx }
    const error = callError(cause)
    const { tracer } = this.mode
    const { code, message } = error
    if (tracer.isOn)
      tracer.report('failed', { ...this.traced(), code, message, ...limitFact(error) })
    return this.context.runInAsyncScope(() => {
      this.#reportError(error, about)
      return errorJson({ router: this.mode.router, error, ...about })
    })
  }

  /**
   * Whether the call was cancelled rather than failed. An AbortError while the call continues is an
   * ordinary failure: the procedure may have aborted a fetch, for example.
   */
  #isCancelled(cause: unknown): boolean {
    const isOver = this.hasEnded || this.over.signal.aborted
    if (isAbortError(cause)) return isOver || this.mode.endsSilentlyOnAbort
    return isOver && isAbortError(errorOf(cause).cause)
  }

  #finish(writeLast: (() => Uint8Array) | undefined, reason?: DOMException): void {
    if (this.#state === 'ended') return
    const { tracer } = this.mode
    const wasStarted = this.#state === 'started'
    this.#state = 'ended'
    if (writeLast) this.connection.send(writeLast())
    this.source?.close()
    if (tracer.isOn && wasStarted) tracer.report('ended', this.traced())
    this.mode.onEnd(this, reason)
  }
}
