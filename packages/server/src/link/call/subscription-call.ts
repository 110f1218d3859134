import { type AnyTRPCRouter, type TRPCDataTransformer, TRPCError } from '@trpc/server'
import type { FeedEvent } from '../../hub/log-event.ts'
import type { Mutable } from '../../mutable.ts'
import { isTracked } from '../../shared-state.ts'
import type { Feed, FeedPart, Gap } from '../../subscription/feed.ts'
import { comesFromNowhere } from '../../subscription/recent-ids.ts'
import type { AsyncContext } from '../../user-code/async-context.ts'
import { mustBeValue } from '../../user-code/calls.ts'
import { type Connection, send } from '../connection/connection.ts'
import type { Counters } from '../connection/connections.ts'
import type { RequestSubject } from '../request/match.ts'
import { errorJson } from '../router.ts'
import { errorOf, isAbortError } from './errors.ts'
import { isMistake } from './mistakes.ts'
import type { SubscriptionFrames } from './wire-writer.ts'

/** How the subscriptions of a link run in one mode: what they have in common. */
export interface RunMode {
  readonly router: AnyTRPCRouter
  /** What the router's transformer makes of values; `undefined` where it changes nothing. */
  readonly output: TRPCDataTransformer | undefined
  readonly frames: SubscriptionFrames
  /** Where events and gaps are counted. */
  readonly counters: Pick<Counters, 'eventsSent' | 'gaps' | 'cutOff'>
  /** How many bytes of what an observable emitted may wait for a client that doesn't read. */
  readonly maxQueuedBytes: number
  /** Whether an AbortError of the procedure's ends the stream without a word, as it does with tRPC's own; its client reconnects. */
  readonly endsAbortedInSilence: boolean
  /** Called once, before anything is sent, with the position at which the subscription starts, if it has one. */
  onStart(run: SubscriptionRun, position: string | undefined): void
  /** Called once, when nothing comes any more. */
  onEnd(run: SubscriptionRun): void
}

/** What an error is about. */
export interface ErrorSubject {
  readonly path: string
  readonly input: unknown
  readonly ctx: unknown
}

/** Told once of each error. Doesn't throw. */
export type TellError = (error: TRPCError, about: ErrorSubject) => void

/** What a run is made with. */
export interface RunParts {
  readonly mode: RunMode
  readonly connection: Connection
  /** Where everything of the user's runs: the async context of the request that asked for it. */
  context: AsyncContext
  /** What the procedure is given aborts with it. */
  readonly over: AbortController
  /** Names the subscription on its connection, in the mode that has more than one. */
  readonly key: string
  readonly subject: RequestSubject
  /** Where the client resumes. */
  readonly lastEventId: string | undefined
  readonly onError: TellError
}

/**
 * One procedure call, and what of it goes to the client: each thing once, nothing before its start or after its end. A
 * record with functions over it, as {@link Connection} is.
 */
export interface SubscriptionRun extends RunParts {
  /** What comes right before the frame of each event, in the mode that has keys: shared by all with the same key. */
  readonly eventHead: Uint8Array | undefined
  /** What `createContext` made; `undefined` until then. */
  ctx: unknown
  /** What it reads, if it is a channel's. */
  feed: Feed | undefined
  /** Sends what it has, as far as there is room. */
  pump: (() => void) | undefined
  /** The channels that it reads, until all of them could be reached: a subscription that has started doesn't keep its call alive. */
  opening: readonly FeedPart[] | undefined
  /** Whether that is a live one: snapshots, and events behind them; `undefined` if only the app knows. */
  live: boolean | undefined
  /** Whether the client knows where that starts. */
  placed: boolean
  readonly started: boolean
  readonly ended: boolean
  /** The id that the client holds, and resumes from. */
  readonly held: string | undefined
}

/** Creates the run of one procedure call. */
export function createRun(parts: RunParts): SubscriptionRun {
  const { mode, connection, context, over, key, subject, lastEventId, onError } = parts
  return {
    mode,
    connection,
    context,
    over,
    key,
    subject,
    lastEventId,
    onError,
    eventHead: mode.frames.eventHead(key),
    ctx: undefined,
    feed: undefined,
    pump: undefined,
    opening: undefined,
    live: undefined,
    placed: false,
    started: false,
    ended: over.signal.aborted,
    // Never one that can't be written.
    held: isOneLine(lastEventId) ? lastEventId : undefined,
  }
}

/** Tells the client that it has started, at a position if it has one. Does nothing the second time. */
export function start(run: Mutable<SubscriptionRun>, position: string | undefined): void {
  if (run.started || run.ended) return
  run.started = true
  // A merge of nothing stands nowhere: its id is empty.
  run.held = position || run.held
  run.mode.onStart(run, position && run.held)
}

/** Tells of an event of a channel. */
export function sendEvent(run: Mutable<SubscriptionRun>, event: FeedEvent): void {
  const { frames, counters } = run.mode
  // A transformer may throw: then nothing of it is sent.
  const frame = frames.event(run.key, event)
  if (run.ended) return
  run.held = event.id
  if (run.eventHead) send(run.connection, run.eventHead)
  send(run.connection, frame)
  counters.eventsSent += 1
}

/** Tells of what another kind of procedure yielded. */
export function sendValue(run: SubscriptionRun, value: unknown): void {
  sendFrame(run, valueFrame(run, value))
}

/** Sends what {@link valueFrame} has written. */
export function sendFrame(
  { connection, mode: { counters } }: SubscriptionRun,
  frame: Uint8Array,
): void {
  send(connection, frame)
  counters.eventsSent += 1
}

/** Writes what is sent of a value, after those that were written before. Throws what the transformer throws. */
export function valueFrame(run: Mutable<SubscriptionRun>, value: unknown): Uint8Array {
  mustBeValue(isTracked(value) ? value[1] : value, `"${run.subject.path}"`)
  if (isTracked(value)) {
    const [id] = value
    if (run.lastEventId !== undefined && comesFromNowhere(id)) warnOfLoss(run)
    run.held = id
  }
  return run.mode.frames.value(run.key, value, run.held)
}

/** Procedures, by their router, that were warned of. */
const warned = new WeakMap<object, Set<string>>()

function warnOfLoss({ mode: { router }, subject: { path } }: SubscriptionRun): void {
  const paths = warned.get(router) ?? new Set()
  warned.set(router, paths)
  if (paths.has(path)) return
  paths.add(path)
  console.warn(
    `trpc-sse: The procedure "${path}" reads a channel by subscribe() without the call's opts, so events are lost whenever a client reconnects. Pass them on, subscribe(opts), or return the subscription itself.`,
  )
}

/** Tells of a gap. */
export function sendGap(run: Mutable<SubscriptionRun>, gap: Gap): void {
  if (run.ended) return
  start(run, undefined)
  run.mode.counters.gaps += 1
  run.held = gap.position
  send(run.connection, run.mode.frames.gap(run.key, gap))
}

/** Tells the client where it stands, if it does not know that already. */
export function sendPosition(run: Mutable<SubscriptionRun>, position: string | undefined): void {
  if (run.ended || !position || position === run.held) return
  start(run, undefined)
  run.held = position
  send(run.connection, run.mode.frames.position(run.key, position))
}

/** Shows the client where it stands by now, if it has started. */
export function showPosition(run: SubscriptionRun): void {
  if (run.started) sendPosition(run, run.feed?.position())
}

/** Tells that the procedure is done. */
export function complete(run: SubscriptionRun): void {
  start(run, undefined)
  finish(run, () => run.mode.frames.complete(run.key))
}

/** Ends it with an error. */
export function fail(run: SubscriptionRun, cause: unknown): void {
  start(run, undefined)
  if (isSilent(run, cause)) {
    stop(run)
    return
  }
  // Even where nobody waits for an answer any more, the user's code wants to be heard.
  const json = tell(run, cause)
  finish(run, () => run.mode.frames.error(run.key, json))
}

/**
 * Whether a failure is none to tell of. AbortError: the call was cancelled, not failed. What else was aborted, a fetch of the
 * procedure's own, is a failure as any other.
 */
function isSilent({ ended, over, mode }: SubscriptionRun, cause: unknown): boolean {
  if (isAbortError(cause)) return ended || over.signal.aborted || mode.endsAbortedInSilence
  return (ended || over.signal.aborted) && isAbortError(errorOf(cause).cause)
}

/** Tells `onError` of a failure; returns what the client is told. */
export function tell(
  { mode: { router }, context, subject, ctx, onError }: SubscriptionRun,
  cause: unknown,
): string {
  const about = { path: subject.path, input: subject.input, ctx }
  const error = callError(cause)
  return context.runInAsyncScope(() => {
    onError(error, about)
    return errorJson({ router, error, ...about })
  })
}

/** The error of a call, as tRPC has it; a mistake in the server's code, which is there at every attempt, is none to retry. */
function callError(cause: unknown): TRPCError {
  const error = errorOf(cause)
  if (!isMistake(error)) return error
  return new TRPCError({
    code: 'UNPROCESSABLE_CONTENT',
    message: error.message,
    cause: error.cause,
  })
}

/** Ends it without a word. */
export function stop(run: SubscriptionRun): void {
  finish(run, undefined)
}

function finish(run: Mutable<SubscriptionRun>, lastFrame: (() => Uint8Array) | undefined): void {
  if (run.ended) return
  run.ended = true
  if (lastFrame) send(run.connection, lastFrame())
  run.feed?.close()
  if (run.pump) run.connection.forRoom?.delete(run.pump)
  run.mode.onEnd(run)
}

function isOneLine(id: string | undefined): boolean {
  return id !== undefined && !/[\r\n\0]/.test(id)
}
