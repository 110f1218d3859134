import type { AnyTRPCProcedure } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { MultiplexedRequest, ReconnectData, WantedSubscription } from '@trpc-sse/protocol'
import { type AsyncContext, captureContext } from '../../user-code/async-context.ts'
import { restoreContext } from '../call/restore-context.ts'
import { callProcedure, sendResult } from '../call/send-result.ts'
import { SubscriptionCall, type WireMode } from '../call/subscription-call.ts'
import { streamFrames } from '../call/wire-writer.ts'
import type { Connection } from '../connection/connection.ts'
import type { StreamHandler, StreamSubscription } from '../connection/stream-handler.ts'
import { TokenBucket } from '../connection/token-bucket.ts'
import type { LinkParts } from '../link-parts.ts'
import type { RequestServices } from '../request/services.ts'
import {
  createSubscriptionRequest,
  type SubscriptionRequest,
} from '../request/subscription-request.ts'
import { findProcedure } from '../router.ts'
import { emitAndEnd } from './emit-and-end.ts'
import { mustBeSame } from './same-key.ts'
import type { ChangeableStream } from './streams.ts'

/** One subscription of the set. */
interface Slot {
  readonly wanted: WantedSubscription
  readonly over: AbortController
  /** The call; `undefined` until it is this subscription's turn to start. */
  call: SubscriptionCall | undefined
}

/** Options for starting subscriptions of the set. */
interface StartOptions {
  /** The instance that received the request. */
  readonly from: 'here' | 'elsewhere'
  readonly context: AsyncContext
  /** Whether the first subscription may use the turn of the stream instead of waiting for one. */
  readonly hasTurn: boolean
}

const { ping, reconnect } = streamFrames.multiplexed

const noRequests: ReadonlyMap<string, SubscriptionRequest> = new Map()

/** The set of subscriptions on one connection, by key. */
export class MultiplexedStream implements StreamHandler, ChangeableStream {
  onClose: () => void = doNothing
  readonly #parts: LinkParts
  readonly #mode: WireMode
  readonly #reportError: RequestServices['reportError']
  readonly #runWithContext: RequestServices['runWithContext']
  readonly #connection: Connection
  readonly #slots = new Map<string, Slot>()
  #revision = -1
  #connectionParams: TRPCRequestInfo['connectionParams'] = null
  /** The first set, until it starts. */
  #firstSet: MultiplexedRequest | undefined = undefined
  #requests = noRequests
  /** Limits changes; `undefined` until the first one, as most streams never change. */
  #changes: TokenBucket | undefined = undefined

  constructor(
    parts: LinkParts,
    { reportError, runWithContext }: Pick<RequestServices, 'reportError' | 'runWithContext'>,
    connection: Connection,
  ) {
    this.#parts = parts
    this.#mode = parts.emitsAndEnds ? this.#endingMode() : parts.multiplexed
    this.#reportError = reportError
    this.#runWithContext = runWithContext
    this.#connection = connection
  }

  /** The revision of the newest applied set. */
  get revision(): number {
    return this.#revision
  }

  /** The requests of the first set, until it starts. */
  get requests(): ReadonlyMap<string, SubscriptionRequest> {
    return this.#requests
  }

  /** Prepares the first set. Finds its procedures, which may load lazy routers. */
  async prepare(
    set: MultiplexedRequest,
    connectionParams: TRPCRequestInfo['connectionParams'],
  ): Promise<void> {
    this.#firstSet = set
    this.#connectionParams = connectionParams
    const found = Object.entries(set.subscriptions).map(
      ([key, wanted]) => [key, this.#toRequest(wanted)] as const,
    )
    const requests = new Map<string, SubscriptionRequest>()
    for (const [key, request] of found)
      requests.set(key, request instanceof Promise ? await request : request)
    this.#requests = requests
  }

  /** Starts the first set in the async context of the connection's owner. */
  start(): void {
    const set = this.#firstSet
    this.#firstSet = undefined
    const { isClosed, context } = this.#connection
    if (set && !isClosed) this.#apply(set, { from: 'here', context, hasTurn: true })
    this.#requests = noRequests
  }

  /**
   * Replaces the set if its revision is greater: new keys start, missing keys stop, others
   * continue.
   *
   * New subscriptions run in the async context of the caller. If another instance received the
   * request, they run in the context that `runWithContext` restores.
   *
   * Returns 0. If the set changes too often, changes nothing and returns the time to wait in
   * milliseconds. If a key has a different path or input than before, changes nothing and throws
   * `INVALID_MESSAGE`.
   */
  replace(set: MultiplexedRequest, from: StartOptions['from']): number {
    for (const [key, wanted] of Object.entries(set.subscriptions))
      mustBeSame(key, this.#slots.get(key)?.wanted, wanted)
    if (set.revision <= this.#revision) return 0
    this.#changes ??= new TokenBucket(this.#parts.changes)
    const waitMs = this.#changes.take(this.#priceOf(set))
    if (waitMs === 0) this.#apply(set, { from, context: captureContext(), hasTurn: false })
    return waitMs
  }

  /** Returns the time until {@link replace} would accept this set, in milliseconds. */
  changeWaitMs(set: MultiplexedRequest): number {
    return (set.revision > this.#revision && this.#changes?.waitMs(this.#priceOf(set))) || 0
  }

  end(): void {
    this.#connection.dismiss()
  }

  paths(): readonly string[] {
    const wanted = this.#firstSet
      ? Object.values(this.#firstSet.subscriptions)
      : this.#activeSlots().map((slot) => slot.wanted)
    return [...new Set(wanted.map(({ path }) => path))]
  }

  subscriptionCount(): number {
    return this.#activeSlots().length
  }

  started(): readonly StreamSubscription[] {
    return this.#activeSlots().flatMap(({ call }) => call ?? [])
  }

  heartbeat(): void {
    for (const { call } of this.#slots.values()) call?.sendPresentPosition()
    this.#connection.send(ping)
  }

  reconnect(data: ReconnectData, retryMs: number): void {
    if (this.#connection.isStarted) this.#connection.send(reconnect(data, retryMs))
    else this.#connection.answer?.()
  }

  close(reason: DOMException): void {
    this.onClose()
    for (const slot of this.#slots.values()) stopSlot(slot, reason)
  }

  #activeSlots(): Slot[] {
    return [...this.#slots.values()].filter(({ call }) => !call?.hasEnded)
  }

  /** Returns the price of a change: one per started subscription, and at least one. */
  #priceOf({ subscriptions }: MultiplexedRequest): number {
    return Math.max(1, Object.keys(subscriptions).filter((key) => !this.#slots.has(key)).length)
  }

  #apply({ revision, subscriptions }: MultiplexedRequest, options: StartOptions): void {
    this.#revision = revision
    for (const [key, slot] of this.#slots) {
      if (Object.hasOwn(subscriptions, key)) continue
      this.#slots.delete(key)
      stopSlot(slot)
    }
    let { hasTurn } = options
    for (const [key, wanted] of Object.entries(subscriptions)) {
      if (this.#slots.has(key)) continue
      const slot: Slot = { wanted, over: new AbortController(), call: undefined }
      this.#slots.set(key, slot)
      void this.#serve(key, slot, { ...options, hasTurn })
      hasTurn = false
    }
  }

  async #serve(key: string, slot: Slot, options: StartOptions): Promise<void> {
    const { over } = slot
    const request = this.#requests.get(key) ?? (await this.#toRequest(slot.wanted))
    const turn = this.#turn(over.signal, options.hasTurn)
    if (turn) await turn
    if (over.signal.aborted) return
    const { keyHold } = this.#connection
    const entering = keyHold?.enter() ?? true
    const hasRoom = typeof entering === 'boolean' ? entering : await entering
    if (over.signal.aborted) return keyHold?.leave()
    const call = this.#createCall(key, request, over, options.context)
    slot.call = call
    try {
      if (!hasRoom) throw this.#parts.keys.tooManySubscriptions()
      if (options.from === 'elsewhere')
        call.context = await restoreContext(this.#runWithContext, call.ctx)
      if (over.signal.aborted) return
      await call.context.runInAsyncScope(async () =>
        sendResult(call, await callProcedure(call, request)),
      )
    } catch (error) {
      call.fail(error)
    }
  }

  /** Waits until a subscription may start. Returns `undefined` if it may start now. */
  #turn(signal: AbortSignal, hasTurn: boolean): Promise<void> | undefined {
    const connection = this.#connection
    const enter = (): Promise<void> | undefined =>
      hasTurn || signal.aborted ? undefined : this.#parts.admission.start(connection, signal)
    // Wait under backpressure, so that a client that doesn't read can't grow the stream with
    // changes.
    return connection.isBackpressured() ? connection.whenWritable(signal).then(enter) : enter()
  }

  #createCall(
    key: string,
    { subject, lastEventId }: SubscriptionRequest,
    over: AbortController,
    context: AsyncContext,
  ): SubscriptionCall {
    const call = new SubscriptionCall({
      mode: this.#mode,
      connection: this.#connection,
      context,
      over,
      key,
      subject,
      lastEventId,
      reportError: this.#reportError,
    })
    call.ctx = this.#connection.ctx
    return call
  }

  /** Returns a promise only if a lazy router must be loaded first. */
  #toRequest(wanted: WantedSubscription): SubscriptionRequest | Promise<SubscriptionRequest> {
    const found = findProcedure(this.#parts.router, wanted.path)
    if (!(found instanceof Promise)) return this.#requestFor(wanted, found)
    // If there is no procedure at the path, the call fails later.
    return found.catch(() => undefined).then((procedure) => this.#requestFor(wanted, procedure))
  }

  #requestFor(
    { path, input, lastEventId }: WantedSubscription,
    procedure: AnyTRPCProcedure | undefined,
  ): SubscriptionRequest {
    return createSubscriptionRequest(this.#parts.router, {
      path,
      procedure,
      lastEventId,
      connectionParams: this.#connectionParams,
      readInput: () => input,
    })
  }

  /**
   * Creates the mode for a stream that ends once each subscription has sent its available values.
   */
  #endingMode(): WireMode {
    const { multiplexed, clock } = this.#parts
    const isDone = (sent: ReadonlySet<string>): boolean =>
      !this.#connection.isBackpressured() &&
      [...this.#slots].every(
        ([key, { call }]) => sent.has(key) || call?.hasEnded || call?.positionSent,
      )
    const end = (): void => this.#connection.end()
    return { ...multiplexed, writer: emitAndEnd(multiplexed.writer, { clock, isDone, end }) }
  }
}

function doNothing(): void {}

function stopSlot({ call, over }: Slot, reason?: DOMException): void {
  call?.stop(reason)
  over.abort(reason)
}
