import type { TRPCRequestInfo } from '@trpc/server/http'
import {
  type MultiplexedRequest,
  RealtimeError,
  type ReconnectData,
  type WantedSubscription,
} from '@trpc-sse/protocol'
import { type AsyncContext, captureContext } from '../../user-code/async-context.ts'
import { restoreContext } from '../call/restore-context.ts'
import { callProcedure, sendResult } from '../call/send-result.ts'
import {
  createRun,
  fail,
  type RunMode,
  type SubscriptionRun,
  showPosition,
  stop,
  type TellError,
} from '../call/subscription-call.ts'
import { streamFrames } from '../call/wire-writer.ts'
import {
  type Connection,
  end,
  isFull,
  isOpen,
  room,
  type Served,
  send,
} from '../connection/connection.ts'
import { createRate, type Rate } from '../connection/token-bucket.ts'
import { createSubscriptionRequest, type SubscriptionRequest } from '../request/match.ts'
import { findProcedure } from '../router.ts'
import type { ServeOptions, Service } from '../serve.ts'
import { createLastWord } from './emit-and-end.ts'

/** A connection with a set of subscriptions on it, each by its key. */
export interface MultiplexedStream extends Served {
  /** The newest set that was applied. */
  readonly revision: number
  /** What `createContext` is told of the set that the stream was opened with. */
  readonly requests: ReadonlyMap<string, SubscriptionRequest>
  /** Called when the connection is over. */
  onClose: () => void
  /** Makes the requests of the first set ready: loads what routers are lazy. */
  prepare(
    set: MultiplexedRequest,
    connectionParams: TRPCRequestInfo['connectionParams'],
  ): Promise<void>
  /** Starts what was prepared, in the context of the connection's holder. */
  start(): void
  /**
   * Replaces the set, if its revision is greater: what is new starts, what is missing stops, the rest is untouched. What
   * starts runs in the async context of the caller; of a request that came to another instance there is none, but
   * what `runWithContext` restores. If it changes too often, it changes nothing and returns after how many milliseconds it
   * may; else 0. Throws `INVALID_MESSAGE`, changing nothing, if a key changes its path or input.
   */
  replace(set: MultiplexedRequest, from: 'here' | 'elsewhere'): number
  /** After how many milliseconds {@link replace} would take this set; 0 for now. */
  changeWaitMs(set: MultiplexedRequest): number
}

interface Entry {
  readonly wanted: WantedSubscription
  readonly over: AbortController
  /** `undefined` until it has begun. */
  run: SubscriptionRun | undefined
}

/** Who began a subscription. */
interface Begun {
  /** Whether the request for it came to this instance. */
  readonly from: 'here' | 'elsewhere'
  readonly context: AsyncContext
  /** Whether the first of them has had its turn, with the stream. */
  readonly hasTurn: boolean
}

const { ping, reconnect } = streamFrames.multiplexed

/** Creates the set of subscriptions of one connection. */
export function createMultiplexedStream(
  options: ServeOptions,
  service: Pick<Service, 'onError' | 'runWithContext'>,
  connection: Connection,
): MultiplexedStream {
  return new SubscriptionSet(options, service, connection)
}

// A class, as there is one for each client: methods that all share, and nothing that is needed only to start.
class SubscriptionSet implements MultiplexedStream {
  revision = -1
  onClose = doNothing
  readonly #options: ServeOptions
  readonly #mode: RunMode
  readonly #onError: TellError
  readonly #runWithContext: Service['runWithContext']
  readonly #connection: Connection
  readonly #entries = new Map<string, Entry>()
  #connectionParams: TRPCRequestInfo['connectionParams'] = null
  /** What the stream is opened with, until it has started. */
  #first: MultiplexedRequest | undefined
  #prepared: ReadonlyMap<string, SubscriptionRequest> = nothing
  /** Most streams never change. */
  #rate: Rate | undefined

  constructor(
    options: ServeOptions,
    { onError, runWithContext }: Pick<Service, 'onError' | 'runWithContext'>,
    connection: Connection,
  ) {
    this.#options = options
    this.#mode = options.emitsAndEnds ? this.#endingMode(options) : options.multiplexed
    this.#onError = onError
    this.#runWithContext = runWithContext
    this.#connection = connection
  }

  get requests(): ReadonlyMap<string, SubscriptionRequest> {
    return this.#prepared
  }

  async prepare(
    set: MultiplexedRequest,
    params: TRPCRequestInfo['connectionParams'],
  ): Promise<void> {
    this.#first = set
    this.#connectionParams = params
    const requests = Object.entries(set.subscriptions).map(
      async ([key, wanted]) => [key, await this.#toRequest(wanted)] as const,
    )
    this.#prepared = new Map(await Promise.all(requests))
  }

  start(): void {
    const set = this.#first
    this.#first = undefined
    const { closed, context } = this.#connection
    if (set && !closed) this.#apply(set, { from: 'here', context, hasTurn: true })
    this.#prepared = nothing
  }

  replace(set: MultiplexedRequest, from: Begun['from']): number {
    const wanted = Object.entries(set.subscriptions)
    for (const [key, one] of wanted) checkSame(key, this.#entries.get(key)?.wanted, one)
    if (set.revision <= this.revision) return 0
    this.#rate ??= createRate(this.#options.changes)
    const waitMs = this.#rate.take(this.#priceOf(set))
    if (waitMs === 0) this.#apply(set, { from, context: captureContext(), hasTurn: false })
    return waitMs
  }

  changeWaitMs(set: MultiplexedRequest): number {
    return (set.revision > this.revision && this.#rate?.waitMs(this.#priceOf(set))) || 0
  }

  paths(): readonly string[] {
    // Before it has started, it is for those that it was opened with.
    const wanted = this.#first
      ? Object.values(this.#first.subscriptions)
      : this.#running().map((entry) => entry.wanted)
    return [...new Set(wanted.map(({ path }) => path))]
  }

  subscriptions(): number {
    return this.#running().length
  }

  heartbeat(): void {
    for (const { run } of this.#entries.values()) if (run) showPosition(run)
    send(this.#connection, ping)
  }

  reconnect(_: Connection, data: ReconnectData, retryMs: number): void {
    if (isOpen(this.#connection)) send(this.#connection, reconnect(data, retryMs))
    else this.#connection.begin?.()
  }

  close(): void {
    this.onClose()
    for (const entry of this.#entries.values()) stopEntry(entry)
  }

  #running(): Entry[] {
    return [...this.#entries.values()].filter(({ run }) => !run?.ended)
  }

  /** Each start has its price, and a change that starts nothing has one, too. */
  #priceOf({ subscriptions }: MultiplexedRequest): number {
    return Math.max(1, Object.keys(subscriptions).filter((key) => !this.#entries.has(key)).length)
  }

  #apply({ revision, subscriptions }: MultiplexedRequest, begun: Begun): void {
    this.revision = revision
    for (const [key, entry] of this.#entries) {
      if (Object.hasOwn(subscriptions, key)) continue
      this.#entries.delete(key)
      stopEntry(entry)
    }
    let { hasTurn } = begun
    for (const [key, wanted] of Object.entries(subscriptions)) {
      if (this.#entries.has(key)) continue
      const entry: Entry = { wanted, over: new AbortController(), run: undefined }
      this.#entries.set(key, entry)
      void this.#serve(key, entry, begun, hasTurn)
      hasTurn = false
    }
  }

  async #serve(key: string, entry: Entry, begun: Begun, hasTurn: boolean): Promise<void> {
    const connection = this.#connection
    const { admission } = this.#options
    const request = this.#prepared.get(key) ?? (await this.#toRequest(entry.wanted))
    const { subject, lastEventId, getRawInput } = request
    const { over } = entry
    // Whoever doesn't read can't make the stream grow by changing the set for ever.
    if (isFull(connection)) await room(connection, over.signal)
    const turn =
      hasTurn || over.signal.aborted ? undefined : admission.start(connection, over.signal)
    if (turn) await turn
    if (over.signal.aborted) return
    const { context } = begun
    const onError = this.#onError
    const run = createRun({
      mode: this.#mode,
      connection,
      context,
      over,
      key,
      subject,
      lastEventId,
      onError,
    })
    entry.run = run
    run.ctx = connection.ctx
    try {
      if (begun.from === 'elsewhere')
        run.context = await restoreContext(this.#runWithContext, run.ctx)
      if (over.signal.aborted) return
      await run.context.runInAsyncScope(async () =>
        sendResult(run, await callProcedure(run, getRawInput)),
      )
    } catch (error) {
      fail(run, error)
    }
  }

  async #toRequest({ path, input, lastEventId }: WantedSubscription): Promise<SubscriptionRequest> {
    const { router } = this.#options
    // A path that leads nowhere is the call's to complain about.
    const procedure = await findProcedure(router, path).catch(() => undefined)
    const readInput = (): unknown => input
    const connectionParams = this.#connectionParams
    return createSubscriptionRequest(router, {
      path,
      procedure,
      lastEventId,
      connectionParams,
      readInput,
    })
  }

  /** A mode of its own, for a stream that ends as soon as each of its subscriptions has said what there is for now. */
  #endingMode({ multiplexed, clock }: ServeOptions): RunMode {
    /** Whether one is over, or a channel's and at its end. */
    const isSilent = (spoken: ReadonlySet<string>): boolean =>
      [...this.#entries].every(([key, { run }]) => spoken.has(key) || run?.ended || run?.placed) &&
      !isFull(this.#connection)
    const lastWord = { clock, isSilent, end: () => end(this.#connection) }
    return { ...multiplexed, frames: createLastWord(multiplexed.frames, lastWord) }
  }
}

const nothing: ReadonlyMap<string, SubscriptionRequest> = new Map()

function doNothing(): void {}

function stopEntry({ run, over }: Entry): void {
  if (run) stop(run)
  over.abort()
}

function checkSame(
  key: string,
  before: WantedSubscription | undefined,
  after: WantedSubscription,
): void {
  if (before === undefined) return
  if (before.path === after.path && JSON.stringify(before.input) === JSON.stringify(after.input))
    return
  const message = `The set breaks P47 of the protocol: key ${JSON.stringify(key)} names another path or input than before.`
  throw new RealtimeError('INVALID_MESSAGE', message)
}
