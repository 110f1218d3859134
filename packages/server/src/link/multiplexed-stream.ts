import type { TRPCRequestInfo } from '@trpc/server/http'
import { type MultiplexedRequest, RealtimeError, type WantedSubscription } from '@trpc-sse/protocol'
import { type AsyncContext, captureContext } from '../async-context.ts'
import type { Mutable } from '../mutable.ts'
import { type Connection, end, isFull, isOpen, room, type Served, send } from './connection.ts'
import { startedFrame, streamFrames } from './frames.ts'
import { createLastWord } from './last-word.ts'
import { createRate, type Rate } from './rate.ts'
import { createSubscriptionRequest, type SubscriptionRequest } from './request.ts'
import { callProcedure, sendResult } from './run-result.ts'
import type { ServeOptions, Service } from './serve.ts'
import {
  createRun,
  fail,
  type RunMode,
  type SubscriptionRun,
  showPosition,
  stop,
} from './subscription-run.ts'
import { findProcedure } from './trpc.ts'

/** A connection with a set of subscriptions on it, each by its key. */
export interface MultiplexedStream extends Served {
  /** The newest set that was applied. */
  readonly revision: number
  /** What `createContext` is told of the set that the stream was opened with. */
  readonly requests: ReadonlyMap<string, SubscriptionRequest>
  /** Called when the connection is over. */
  onClose: () => void
  /** Makes the requests of the first set ready: loads what routers are lazy. */
  prepare(set: MultiplexedRequest, connectionParams: TRPCRequestInfo['connectionParams']): Promise<void>
  /** Starts what was prepared, in this context. */
  start(ctx: unknown): void
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

/** How subscriptions of a link run in multiplexed mode. */
export function createMultiplexedMode(
  mode: Omit<RunMode, 'onStart' | 'onEnd' | 'endsAbortedInSilence'>,
): RunMode {
  return {
    ...mode,
    endsAbortedInSilence: false,
    onStart: ({ connection, key, live }, position) => send(connection, startedFrame({ key, live }, position)),
    onEnd: ({ over, context }) => context.runInAsyncScope(() => over.abort()),
  }
}

/** Creates the set of subscriptions of one connection. */
export function createMultiplexedStream(
  { router, multiplexed, runWithContext, admission, changes, clock, emitsAndEnds }: ServeOptions,
  { onError }: Service,
  connection: Connection,
): MultiplexedStream {
  const entries = new Map<string, Entry>()
  const prepared = new Map<string, SubscriptionRequest>()
  let connectionParams: TRPCRequestInfo['connectionParams'] = null
  let first: MultiplexedRequest | undefined
  let ctx: unknown
  // Most streams never change.
  let rate: Rate | undefined

  /** Whether one has said what there is for now: it is over, or a channel's and at its end. */
  const isSilent = (spoken: ReadonlySet<string>): boolean =>
    [...entries].every(([key, { run }]) => spoken.has(key) || run?.ended || run?.placed) &&
    !isFull(connection)

  const mode = emitsAndEnds
    ? {
        ...multiplexed,
        frames: createLastWord(multiplexed.frames, { clock, isSilent, end: () => end(connection) }),
      }
    : multiplexed

  async function toRequest({ path, input, lastEventId }: WantedSubscription): Promise<SubscriptionRequest> {
    // A path that leads nowhere is the call's to complain about.
    const procedure = await findProcedure(router, path).catch(() => undefined)
    const readInput = (): unknown => input
    return createSubscriptionRequest(router, { path, procedure, lastEventId, connectionParams, readInput })
  }

  async function serve(key: string, entry: Entry, begun: Begun, hasTurn: boolean): Promise<void> {
    const { subject, lastEventId, getRawInput } = prepared.get(key) ?? (await toRequest(entry.wanted))
    prepared.delete(key)
    const { over } = entry
    // Whoever doesn't read can't make the stream grow by changing the set for ever.
    if (isFull(connection)) await room(connection, over.signal)
    const turn = hasTurn || over.signal.aborted ? undefined : admission.start(connection, over.signal)
    if (turn) await turn
    if (over.signal.aborted) return
    const run = createRun({
      mode,
      connection,
      context: begun.context,
      over,
      key,
      subject,
      lastEventId,
      onError,
    })
    entry.run = run
    run.ctx = ctx
    try {
      if (begun.from === 'elsewhere') run.context = await restoreContext(runWithContext, ctx)
      if (over.signal.aborted) return
      await run.context.runInAsyncScope(async () => sendResult(run, await callProcedure(run, getRawInput)))
    } catch (error) {
      fail(run, error)
    }
  }

  function begin(key: string, wanted: WantedSubscription, begun: Begun, hasTurn: boolean): void {
    const entry: Entry = { wanted, over: new AbortController(), run: undefined }
    entries.set(key, entry)
    void serve(key, entry, begun, hasTurn)
  }

  function replace(set: MultiplexedRequest, from: Begun['from']): number {
    const wanted = Object.entries(set.subscriptions)
    for (const [key, one] of wanted) checkSame(key, entries.get(key)?.wanted, one)
    if (set.revision <= stream.revision) return 0
    rate ??= createRate(changes)
    const waitMs = rate.take(priceOf(set))
    if (waitMs === 0) apply(set, { from, context: captureContext(), hasTurn: false })
    return waitMs
  }

  /** Each start has its price, and a change that starts nothing has one, too. */
  const priceOf = ({ subscriptions }: MultiplexedRequest): number =>
    Math.max(1, Object.keys(subscriptions).filter((key) => !entries.has(key)).length)

  function apply({ revision, subscriptions }: MultiplexedRequest, begun: Begun): void {
    stream.revision = revision
    for (const [key, entry] of entries) {
      if (Object.hasOwn(subscriptions, key)) continue
      entries.delete(key)
      stopEntry(entry)
    }
    let { hasTurn } = begun
    for (const [key, wanted] of Object.entries(subscriptions)) {
      if (entries.has(key)) continue
      begin(key, wanted, begun, hasTurn)
      hasTurn = false
    }
  }

  const running = (): Entry[] => [...entries.values()].filter(({ run }) => !run?.ended)

  const stream: Mutable<MultiplexedStream> = {
    revision: -1,
    requests: prepared,
    onClose() {},
    replace,
    changeWaitMs: (set) => (set.revision > stream.revision && rate?.waitMs(priceOf(set))) || 0,
    paths() {
      // Before it has started, it is for those that it was opened with.
      const wanted = first ? Object.values(first.subscriptions) : running().map((entry) => entry.wanted)
      return [...new Set(wanted.map(({ path }) => path))]
    },
    subscriptions: () => running().length,
    async prepare(set, params) {
      first = set
      connectionParams = params
      const requests = Object.entries(set.subscriptions).map(
        async ([key, wanted]) => [key, await toRequest(wanted)] as const,
      )
      for (const [key, request] of await Promise.all(requests)) prepared.set(key, request)
    },
    start(context) {
      ctx = context
      const set = first
      first = undefined
      if (set && !connection.closed) apply(set, { from: 'here', context: captureContext(), hasTurn: true })
    },
    heartbeat() {
      for (const { run } of entries.values()) if (run) showPosition(run)
      send(connection, ping)
    },
    reconnect(_, data, retryMs) {
      if (isOpen(connection)) send(connection, reconnect(data, retryMs))
      else connection.begin?.()
    },
    close() {
      stream.onClose()
      for (const entry of entries.values()) stopEntry(entry)
    },
  }
  return stream
}

/** Has the app restore the async context of a stream's subscriptions, from the stream's own context. */
async function restoreContext(
  runWithContext: ServeOptions['runWithContext'],
  ctx: unknown,
): Promise<AsyncContext> {
  let context: AsyncContext | undefined
  const capture = (): void => {
    context ??= captureContext()
  }
  await (runWithContext ? runWithContext(ctx as never, capture) : capture())
  if (context !== undefined) return context
  const message = 'runWithContext() returned and has not called the function that it was given. Call it once.'
  throw new RealtimeError('INVALID_OPTION', message)
}

function stopEntry({ run, over }: Entry): void {
  if (run) stop(run)
  over.abort()
}

function checkSame(key: string, before: WantedSubscription | undefined, after: WantedSubscription): void {
  if (before === undefined) return
  if (before.path === after.path && JSON.stringify(before.input) === JSON.stringify(after.input)) return
  const message = `The set breaks P47 of the protocol: key ${JSON.stringify(key)} names another path or input than before.`
  throw new RealtimeError('INVALID_MESSAGE', message)
}
