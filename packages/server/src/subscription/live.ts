import type { TrackedEnvelope } from '@trpc/server'
import { type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import { eventValue, type FeedEvent } from '../hub/log-event.ts'
import type { ReadGroup } from '../hub/reads.ts'
import type { Mutable } from '../mutable.ts'
import { isTracked } from '../shared-state.ts'
import { captureContext, detached } from '../user-code/async-context.ts'
import type { Grace } from './cursor.ts'
import type { Feed, Gap } from './feed.ts'

/** What a live subscription is made of: a state, and what happens to it from there on. */
export type LiveEvent<TSnapshot, TEvent> =
  | { readonly type: 'snapshot'; readonly data: TSnapshot }
  | { readonly type: 'event'; readonly data: TEvent }

/** What the loader of a snapshot is told. */
export interface LoadSnapshotOptions {
  /** Aborts when nobody waits for this snapshot any more. */
  readonly signal: AbortSignal
  /** Where the channel stood before the load began: the events behind it follow the snapshot. */
  readonly lastEventId: EventId
}

/**
 * Loads the state that a live subscription starts with. Return the data; or, if it is known at which event it stands,
 * `tracked(lastEventId, data)`: then the events behind that one follow. A tracked snapshot that is returned to many
 * subscriptions is encoded once for all of them.
 */
export type LoadSnapshot<TLoaded> = (options: LoadSnapshotOptions) => TLoaded | PromiseLike<TLoaded>

/** The data of what a {@link LoadSnapshot} returns. */
export type SnapshotData<TLoaded> = TLoaded extends TrackedEnvelope<infer TData> ? TData : TLoaded

/**
 * Where a live subscription stands before its first snapshot: a resume begins with one. It is an id of its own, as a
 * client that holds it has nothing, and one that holds the snapshot's id has that.
 */
export const beforeSnapshot = 'snapshot'

/** Loads in a row, without an event between them, after which a live subscription fails. */
const mostLoads = 4

/** What a live feed is made with. */
export interface LiveFeedOptions {
  /** Where to go on without a snapshot; `undefined` starts with one. */
  readonly lastEventId: EventId | undefined
  /** Reads the events after an id, or from the end of the log. */
  open(lastEventId: EventId | undefined, grace: Grace): Feed
  readonly load: LoadSnapshot<unknown>
  /** In whose turns it loads. */
  readonly group: Pick<ReadGroup, 'turn'>
  readonly codec: Codec
  wake(): void
}

/**
 * Creates a feed of a snapshot and the events behind it; where events are missing, of another snapshot. While one is
 * loading, the feed stands where the log stood before: events wait in the log, not here. A gap meanwhile cancels
 * that load for a new one.
 */
export function createLiveFeed({
  lastEventId,
  open,
  load,
  group,
  codec,
  wake,
}: LiveFeedOptions): Feed {
  // While a snapshot loads, events wait for it, not for a client that is too slow.
  const grace: Grace = { isOver: true }
  let cursor = open(lastEventId, grace)
  // What a transformer writes of an event can't be put into what it would write for the whole.
  let needsValues = codec.output !== undefined
  if (needsValues) cursor.needValues()
  let position = lastEventId ?? beforeSnapshot
  let isDue = lastEventId === undefined
  let loading: Loading | undefined
  // The first item behind the snapshot that is loading: whether there is a gap.
  let head: FeedEvent | Gap | undefined
  let loads = 0

  function take(): FeedEvent | Gap | undefined {
    const item = head ?? cursor.next()
    head = undefined
    return item
  }

  function cancel(): void {
    loading?.cancel()
    loading = undefined
    head = undefined
  }

  function begin(): undefined {
    const from = cursor.position()
    if (from === undefined) return
    if (loads >= mostLoads) throw cannotCatchUp()
    // What is given up before its turn is no load.
    const counted: LoadSnapshot<unknown> = (given) => {
      loads += 1
      return load(given)
    }
    loading = startLoading({ load: counted, group, wake }, from)
  }

  function nextSnapshot(): FeedEvent | undefined {
    grace.isOver = false
    if (loading) head ??= cursor.next()
    if (head?.kind === 'gap') cancel()
    if (!loading) return begin()
    if (loading.outcome === undefined) return undefined
    const snapshot = snapshotEvent(loading.outcome(), loading.lastEventId, codec)
    if (snapshot.id !== loading.lastEventId) {
      head = undefined
      cursor.close()
      cursor = open(snapshot.id, grace)
      if (needsValues) cursor.needValues()
    }
    grace.isOver = false
    loading = undefined
    isDue = false
    position = snapshot.id
    return snapshot
  }

  return {
    position: () => position,
    next() {
      if (isDue) return nextSnapshot()
      const item = take()
      if (item?.kind === 'gap') {
        isDue = true
        return nextSnapshot()
      }
      if (item === undefined) return undefined
      loads = 0
      position = item.id
      return liveEvent(item)
    },
    needValues() {
      needsValues = true
      cursor.needValues()
    },
    isTooFarBehind: () => !isDue && cursor.isTooFarBehind(),
    close() {
      cancel()
      cursor.close()
    },
  }
}

interface Loading {
  /** Where the log stood before. */
  readonly lastEventId: EventId
  /** Gives what was loaded, or throws why it was not; `undefined` until it is known. */
  readonly outcome: (() => unknown) | undefined
  cancel(): void
}

function startLoading(
  { load, group, wake }: Pick<LiveFeedOptions, 'load' | 'group' | 'wake'>,
  lastEventId: EventId,
): Loading {
  const { signal, abort } = cancellation()
  const loading: Mutable<Loading> = { lastEventId, outcome: undefined, cancel: abort }
  function settle(outcome: () => unknown): void {
    if (signal.aborted) return
    loading.outcome = outcome
    wake()
  }
  // An async function, so that what a loader throws at once is a rejection like any other.
  const run = async (): Promise<unknown> => {
    const turn = group.turn(signal)
    if (turn) await turn
    return signal.aborted ? undefined : load({ signal, lastEventId })
  }
  run().then(
    (value) => settle(() => value),
    (error: unknown) =>
      settle(() => {
        throw error
      }),
  )
  return loading
}

function cancellation(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController()
  // What listens to the signal is the loader's.
  const context = captureContext()
  return {
    signal: controller.signal,
    abort: () => context.runInAsyncScope(() => controller.abort()),
  }
}

// An envelope says what the state was at one event, which nothing changes any more: so its encoding can be kept.
const trackedSnapshots = new WeakMap<object, FeedEvent>()

function snapshotEvent(loaded: unknown, lastEventId: EventId, codec: Codec): FeedEvent {
  if (!isTracked(loaded)) {
    const decoded = { value: { type: 'snapshot', data: loaded } }
    return { kind: 'event', id: lastEventId, data: undefined, codec, decoded, frame: undefined }
  }
  const known = trackedSnapshots.get(loaded)
  if (known?.codec === codec) return known
  const value = { type: 'snapshot', data: loaded[1] }
  const event: FeedEvent = {
    kind: 'event',
    id: loaded[0],
    data: detached(() => codec.serialize(value)),
    codec,
    decoded: { value },
    frame: undefined,
  }
  trackedSnapshots.set(loaded, event)
  return event
}

/** The event as live subscriptions have it: made once for all of them. */
function liveEvent(event: FeedEvent): FeedEvent {
  event.live ??= detached(() => wrapped(event))
  return event.live
}

function wrapped(event: FeedEvent): FeedEvent {
  const { id, codec } = event
  if (codec.output || event.data === undefined) {
    const value = { type: 'event', data: eventValue(event) }
    return {
      kind: 'event',
      id,
      data: codec.serialize(value),
      codec,
      decoded: { value },
      frame: undefined,
    }
  }
  const data = `{"type":"event","data":${event.data}}`
  const decoded = event.decoded && { value: { type: 'event', data: event.decoded.value } }
  return { kind: 'event', id, data, codec, decoded, frame: undefined }
}

function cannotCatchUp(): RealtimeError {
  const message =
    `Events went missing ${mostLoads} times before one could follow a snapshot: the channel retains less than is published ` +
    'while a snapshot loads, or loadSnapshot returns a tracked one that is too old. Retain more (retain), or load faster.'
  return new RealtimeError('GAP', message)
}
