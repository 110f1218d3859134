import type { StreamEvent } from '../stream/state.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'

/** What a feed does with what it takes. */
export interface FeedOptions<TStream> {
  /** Where the subscription stands; `undefined` at the start. */
  readonly lastEventId: string | undefined
  /** Takes a frame, and may say what it means for the stream. If it throws, the position stays. */
  readonly deliver: (frame: SubscriptionFrame) => StreamEvent | undefined
  /** The subscription runs, after it did not: from where it stood, or else from where it is told to start. */
  readonly onStarted: (lastEventId: string | undefined) => void
  /** It runs no more, or still doesn't; `undefined` if nothing failed. */
  readonly onWaiting: (error: unknown) => void
  /** It stands somewhere else: so it was told on this stream. */
  readonly onPosition: (lastEventId: string, stream: TStream) => void
}

/**
 * One subscription's frames, from whichever stream it runs on: no more than one at a time. When it is asked for
 * on another stream, what the stream before says is held back until the new one has started it, which then says
 * all that from the position on; if that fails, it is handed on. So nothing is missed or repeated, and ids
 * need not be understood. Only a subscription without a position goes on meanwhile: there is no other way for
 * it, and ids that it had are dropped.
 */
export interface Feed<TStream> {
  lastEventId(): string | undefined
  /** Whether its values are those of a live subscription, if the server has said so. */
  live(): boolean | undefined
  /** Whether it stands behind this event, and what follows is still to come: not while the next one is handed on. */
  standsAt(lastEventId: string): boolean
  /** The stream that it runs on. */
  source(): TStream | undefined
  /** Whether it gets all that comes next: two on the same stream and behind the same event then get the same. */
  isSettled(): boolean
  /** Another stream was asked to run it. */
  requested(stream: TStream): void
  /** Takes a frame of a stream. */
  receive(frame: SubscriptionFrame, stream: TStream): StreamEvent | undefined
  /** A stream is gone, with an error if it failed. */
  lost(stream: TStream, error: unknown): StreamEvent | undefined
  /** It is over on all streams. */
  reset(): void
}

type StartedFrame = Extract<SubscriptionFrame, { readonly type: 'started' }>

/** A stream that was asked to run a subscription. */
interface Successor<TStream> {
  readonly stream: TStream
  readonly hasPosition: boolean
  /** What the stream before said meanwhile; with no position, the ids of that. */
  readonly held: SubscriptionFrame[]
  readonly had: Set<string>
}

/** Creates a feed that runs on no stream yet. */
export function createFeed<TStream>({
  lastEventId,
  ...options
}: FeedOptions<TStream>): Feed<TStream> {
  // An empty one asks for a start without one, even where one was kept.
  let position = lastEventId || undefined
  let live: boolean | undefined
  let source: TStream | undefined
  let successor: Successor<TStream> | undefined
  let skip = new Set<string>()
  let isDelivering = false

  function move(id: string | undefined, stream: TStream): void {
    // An untracked event between tracked ones carries an empty id: that is no position.
    if (!id || id === position) return
    position = id
    options.onPosition(id, stream)
  }

  function start(next: Successor<TStream>, { id, ...frame }: StartedFrame): void {
    live = frame.live
    const wasRunning = source !== undefined
    source = next.stream
    skip = next.had
    successor = undefined
    if (!wasRunning) options.onStarted(position ?? (id || undefined))
    if (position === undefined) move(id, next.stream)
  }

  function take(frame: SubscriptionFrame, stream: TStream): StreamEvent | undefined {
    if (frame.id && skip.delete(frame.id)) return undefined
    const verdict = deliver(frame)
    move(frame.id, stream)
    return verdict
  }

  function deliver(frame: SubscriptionFrame): StreamEvent | undefined {
    isDelivering = true
    try {
      return options.deliver(frame)
    } finally {
      isDelivering = false
    }
  }

  function receive(frame: SubscriptionFrame, stream: TStream): StreamEvent | undefined {
    if (stream === successor?.stream) {
      if (frame.type === 'started') start(successor, frame)
      // It could not be started there. What that means for where it runs now is not for the feed to say.
      else if (frame.type === 'error' || frame.type === 'stopped') return deliver(frame)
    }
    if (stream !== source || frame.type === 'started') return undefined
    if (successor) {
      if (successor.hasPosition) {
        successor.held.push(frame)
        return undefined
      }
      if (frame.id) successor.had.add(frame.id)
    }
    return take(frame, stream)
  }

  /** Hands on what was held back for nothing. */
  function giveUp({ held }: Successor<TStream>, from: TStream): StreamEvent | undefined {
    successor = undefined
    for (const frame of held) {
      const verdict = source === from ? take(frame, from) : undefined
      if (verdict) return verdict
    }
    return undefined
  }

  return {
    lastEventId: () => position,
    live: () => live,
    standsAt: (id) => id === position && !isDelivering,
    source: () => source,
    isSettled: () =>
      source !== undefined && position !== undefined && !successor && skip.size === 0,
    requested(stream) {
      successor = { stream, hasPosition: position !== undefined, held: [], had: new Set() }
    },
    receive,
    lost(stream, error) {
      const failed = stream === successor?.stream ? successor : undefined
      if (failed && source !== undefined && source !== stream) return giveUp(failed, source)
      if (failed) successor = undefined
      if (stream === source) source = undefined
      else if (source !== undefined || error === undefined) return undefined
      options.onWaiting(error)
      return undefined
    },
    reset() {
      source = undefined
      successor = undefined
    },
  }
}
