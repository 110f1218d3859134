import { type EventId, RealtimeError } from '@trpc-sse/protocol'
import { createReadGroup, type Reads, readInTurn } from '../hub/reads.ts'
import type { RecentReads } from '../hub/recent-reads.ts'
import type { LogFeed } from '../subscription/feed.ts'
import { type ChannelFeedOptions, feedPart, openCursor } from '../subscription/subscribe.ts'
import { type ChannelSubscription, createSubscription } from '../subscription/subscription.ts'
import { callHandler } from '../user-code/calls.ts'
import { keepAlive } from '../user-code/keep-alive.ts'
import { type FoldedRun, type FoldOptions, foldRun } from './fold.ts'
import { maxReasonLength, type RunEnd, type RunItem, toEndMarker } from './items.ts'
import { type ProduceResult, produce } from './producer.ts'
import { type ReadRun, RunFeed } from './run-feed.ts'
import { type RunEntries, RunLog } from './run-log.ts'
import type { RunParts } from './run-parts.ts'
import type { RunSource } from './source.ts'
import { type FollowOptions, StartWait, startWaitMs } from './start-wait.ts'

/** Options of `produce`. */
export interface ProduceCallOptions {
  /**
   * Called with a promise that settles when the run has ended. Pass the `waitUntil` of a serverless
   * platform, which keeps the process alive until then.
   */
  readonly waitUntil?: (work: Promise<unknown>) => void
}

/** Options of `stop`. */
export interface StopOptions {
  /** The reason, which `status()` and followers get. Up to 1,000 characters. */
  readonly reason?: string
}

/** The status of a run. */
export interface RunStatus<TValue> {
  /** The status; `'none'` if the run has not begun or is no longer remembered. */
  readonly status: 'none' | 'running' | RunEnd
  /** The value of the deltas so far; `undefined` for a run without a fold. */
  readonly value: [TValue] extends [never] ? undefined : TValue
  /** The reason why the run was stopped or failed, if known. */
  readonly reason?: string
}

/** A run with its params, to produce, follow and stop. Creating a handle is cheap. */
export interface RunHandle<TInput, TEvent, TValue> {
  /**
   * Runs a source and stores its deltas, until the source ends, throws or is stopped. Resolves at
   * the end with the status. A run is produced only once: if it is running or has ended, this
   * starts nothing, and the status says so. With `onAbandoned: 'takeOver'`, it waits while the run
   * is running, and continues it when its producer is gone. One call waits in each process; others
   * resolve to `'alreadyRunning'`. If it loses its lease, it waits again. So the source may be
   * called up to eleven times.
   *
   * If the source throws or yields a value that doesn't fit the schema, the run is `failed`, and
   * the result has the `error`. Followers get the message of a `TRPCError`, but of no other error.
   *
   * A `ReadableStream` that isn't read, because this starts nothing, is cancelled. A function isn't
   * called.
   *
   * Rejects with `BACKEND_UNAVAILABLE` if the run can't begin.
   */
  produce(source: RunSource<TInput, TValue>, options?: ProduceCallOptions): Promise<ProduceResult>
  /**
   * Stops the run, from any process: the producer's `signal` aborts, and followers complete. A run
   * that is stopped before its start never starts. Has no effect if the run has ended. Resolves to
   * the new status. Rejects with `BACKEND_UNAVAILABLE`.
   */
  stop(options?: StopOptions): Promise<Omit<RunStatus<never>, 'value'>>
  /** Returns the status, and the value so far. Rejects with `BACKEND_UNAVAILABLE`. */
  status(): Promise<RunStatus<TValue>>
  /**
   * Subscribes to the run. Pass the resolver's `opts`, and return the result from the procedure. A
   * follower gets the deltas so far or their value, a mark that it has caught up, and each delta
   * that follows. The last item says whether the run completed or was stopped; then the
   * subscription completes.
   *
   * The subscription fails with UNPROCESSABLE_CONTENT if the run fails, and with CONFLICT if it is
   * abandoned. If the run has not begun, the subscription waits for the start, up to
   * `waitForStartMs`. Then it fails with NOT_FOUND. Throws `INVALID_OPTION` for an invalid
   * `waitForStartMs`.
   */
  follow(options?: FollowOptions): ChannelSubscription<RunItem<TValue, TEvent>>
}

/** The parts of a {@link RunHandle}. */
export interface RunHandleOptions
  extends Omit<RunParts, 'runLog' | 'readValue'>,
    Omit<ChannelFeedOptions, 'behind'> {
  readonly reads: Reads
  readonly folds: RecentReads<FoldedRun>
}

/** Creates the handle of one run. */
export function createRunHandle<TInput, TEvent, TValue>(
  options: RunHandleOptions,
): RunHandle<TInput, TEvent, TValue> {
  const { definition } = options
  const runLog = new RunLog({ ...options, ...definition })
  const folding = foldOptions(options, runLog)
  const readValue = folding && (() => foldRun(folding))
  const parts = { ...options, runLog, readValue }
  return {
    produce(source, options) {
      const waitUntil = options?.waitUntil
      const producing = keepAlive(produce(parts, source as RunSource<unknown>))
      // Rejections are for the caller. The platform only waits.
      const settled = producing.catch(() => {})
      if (waitUntil) callHandler('waitUntil', () => waitUntil(settled))
      return producing
    },
    async stop(options) {
      const reason = options?.reason
      if (reason !== undefined) checkReason(reason)
      return await keepAlive(runLog.stop(reason))
    },
    async status() {
      const { state } = await keepAlive(runLog.read())
      // Read the value after the status, so that an ended run has its whole value.
      const value = readValue && (await keepAlive(readValue())).value
      return { status: 'none', ...state, value: value as RunStatus<TValue>['value'] }
    },
    follow: (follow = {}) => followRun(options, { folding, runLog }, follow),
  }
}

function checkReason(reason: unknown): void {
  if (typeof reason === 'string' && reason.length <= maxReasonLength) return
  const given = typeof reason === 'string' ? `has ${reason.length} characters` : 'is no string'
  const message = `stop(): reason ${given}. Give up to ${maxReasonLength} characters.`
  throw new RealtimeError('INVALID_OPTION', message)
}

function followRun<TValue, TEvent>(
  options: RunHandleOptions,
  { folding, runLog }: { readonly folding: FoldOptions | undefined; readonly runLog: RunLog },
  follow: FollowOptions,
): ChannelSubscription<RunItem<TValue, TEvent>> {
  const { log, reads, folds, codec, clock } = options
  const waitMs = startWaitMs(follow)
  const channel = { ...options, behind: { policy: 'catchUp', events: 1_000 } } as const
  const all = { replay: Number.MAX_SAFE_INTEGER }
  const readEntries = (): Promise<RunEntries> =>
    readInTurn(reads, { log: log.key, group: createReadGroup() }, () => runLog.read())
  const hasBegun = async (): Promise<boolean> => (await readEntries()).state !== undefined
  const readRun = async (outdated: FoldedRun | undefined): Promise<ReadRun> => {
    const isOutdated = (value: FoldedRun): boolean => value === outdated
    const folded = folding && (await folds.read(log.key, () => foldRun(folding), isOutdated))
    if (folded) return { folded, presence: folded.presence }
    const { state, lastEventId } = await readEntries()
    if (state === undefined) return { folded, presence: 'none' }
    const end = toEndMarker(state)
    return { folded, presence: 'whole', ended: end && { end, lastEventId } }
  }
  const part = feedPart(channel, follow, (lastEventId, wake, group) => {
    const open = (after: EventId | undefined): LogFeed =>
      openCursor(channel, after === undefined ? all : { after }, { wake, group })
    const hasFold = folding !== undefined
    const waitForStart = (): StartWait => new StartWait({ clock, waitMs, hasBegun, wake })
    return new RunFeed({ lastEventId, open, hasFold, readRun, waitForStart, codec, wake })
  })
  return createSubscription({
    kind: 'run',
    live: undefined,
    hasCallbacks: false,
    parts: [part],
    options: follow,
  })
}

/** Returns the options to read the run's value; `undefined` for a run without a fold. */
function foldOptions(
  { log, backend, codec, reads, definition }: RunHandleOptions,
  runLog: RunLog,
): FoldOptions | undefined {
  const { fold } = definition
  if (!fold) return undefined
  const turn = { log: log.key, group: createReadGroup() }
  return {
    fold,
    codec,
    readEntries: () => readInTurn(reads, turn, () => runLog.read()),
    readPage: (after) =>
      readInTurn(reads, turn, () =>
        backend.read(log, after === undefined ? firstPage : { after, ...bounds }),
      ),
  }
}

const bounds = { limit: 256, maxBytes: 262_144 }
const firstPage = { last: Number.MAX_SAFE_INTEGER, ...bounds }
