import { type Clock, type DecodedMessage, RealtimeError } from '@trpc-sse/protocol'
import { createConnections } from './connections.ts'
import { type Device, followDevice } from './device.ts'
import type { Fetch } from './fetch.ts'
import type { Frame, SubscriptionFrame } from './frames.ts'
import type { Endpoint, HttpRequest } from './request.ts'
import type { ReadErrorBody } from './response.ts'
import { createRest } from './rest.ts'
import { lastingMs, type RetryPolicy } from './retry.ts'
import { initialStreamState, next, type StreamEvent, type StreamState } from './state.ts'

/** What all streams of a link share. */
export interface StreamSettings {
  readonly clock: Clock
  readonly fetch: Fetch
  readonly device: Device
  readonly retry: RetryPolicy
  readonly connectTimeoutMs: number
  /** Instead of what the server says; `undefined` to go by that. */
  readonly inactivityTimeoutMs: number | undefined
  readonly hiddenTimeoutMs: number
}

/**
 * A mode of the protocol, and the subscriptions that a stream is for. Streams are numbered, and at most two
 * are there at a time. If a callback throws, all ends with that.
 */
export interface StreamOptions extends StreamSettings {
  readonly endpoint: () => Promise<Endpoint>
  /** Writes the request for a stream of everything that is wanted now. */
  readonly write: (endpoint: Endpoint, stream: number) => HttpRequest
  /** Gives a message its meaning. */
  readonly read: (message: DecodedMessage) => readonly Frame[]
  readonly readErrorBody: ReadErrorBody
  /** A stream is open. */
  readonly onOpen?: (stream: number, connectionId: string | undefined) => void
  /** Takes every frame of a subscription, and may say what it means for the stream. */
  readonly onFrame: (frame: SubscriptionFrame, stream: number) => StreamEvent | undefined
  /** A stream is gone, with an error if it failed. May say what follows for the one that is left. */
  readonly onLost: (stream: number, error: unknown) => StreamEvent | undefined
  /** What `reopen` was called for can't be had; the stream before goes on. */
  readonly onRefused?: (error: unknown) => void
  readonly onEnded: (state: StreamState) => void
}

/** Streams, one after the other, until nothing more is wanted or can be had. */
export interface Stream {
  /** Opens a new one, and lets the one before go on until {@link taken}. */
  reopen(): void
  /** The stream before isn't needed any more. */
  taken(): void
  /** A subscription has got further on a stream. */
  advanced(stream: number): void
  /** The shortest wait that the stream asks for, in milliseconds, before anything on it is tried again. */
  askedWaitMs(): number
  /** Ends them, with an error if there is one to tell. Closing twice is harmless. */
  close(error?: unknown): void
}

/** Opens a stream, and another one whenever it is lost. */
export function openStream(options: StreamOptions): Stream {
  const { clock } = options
  let state = initialStreamState
  let openedMs = 0
  const rest = createRest(options, () => dispatch({ type: 'elapsed' }))
  const connections = createConnections(options, {
    isConnecting: () => state.phase === 'connecting',
    dispatch,
    onBridgeEnded: () => unbridge(state.error),
    take,
    guard,
  })

  function dispatch(event: StreamEvent): void {
    const { phase, bridge } = state
    if (phase === 'open' && clock.now() - openedMs >= lastingMs) state = next(state, { type: 'progress' })
    state = next(state, event)
    if (state.phase !== phase || event.type === 'suspend') enter(event)
    if (state.bridge === 'none' && bridge !== 'none') connections.dropBefore(state.error)
  }

  function enter(event: StreamEvent): void {
    if (state.phase === 'connecting') connections.open()
    else if (state.phase === 'ended') end()
    else if (state.phase === 'waiting') leave(event)
    else if (event.type === 'refused') {
      connections.goBack()
      options.onRefused?.(event.error)
    } else connections.limitBridge()
  }

  /** From the current stream to the wait for the next. */
  function leave({ type }: StreamEvent): void {
    rest.stop()
    if (type === 'move' || type === 'reopen') connections.setAside()
    else connections.drop(state.error)
    if (state.phase === 'waiting' && !state.suspended) rest.start(state)
  }

  function end(): void {
    rest.stop()
    unfollow()
    connections.close()
    options.onEnded(state)
  }

  const unfollow = followDevice(options.device, clock, options.hiddenTimeoutMs, {
    suspend: () => dispatch({ type: 'suspend' }),
    wake() {
      connections.check()
      if (state.phase === 'waiting') rest.cutShort()
    },
  })

  function guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      // A handler can throw anything, but what is undefined would pass for a quiet end.
      dispatch({ type: 'end', error: error ?? new Error(`${error} was thrown.`) })
    }
  }

  function take(frame: Frame, stream: number): void {
    const isCurrent = connections.isCurrent(stream)
    if (isCurrent && state.phase === 'connecting') mustComeFirst(frame)
    if (frame.type === 'connected') {
      if (isCurrent) opened(frame, stream)
    } else if (frame.type === 'ping' || frame.type === 'reconnect') {
      if (isCurrent) dispatch({ type: frame.type === 'ping' ? 'sign' : 'move' })
    } else {
      if (isCurrent && frame.type === 'event') dispatch({ type: 'sign' })
      judge(options.onFrame(frame, stream), stream)
    }
  }

  function opened(frame: Extract<Frame, { readonly type: 'connected' }>, stream: number): void {
    connections.opened(options.inactivityTimeoutMs ?? frame.reconnectAfterInactivityMs ?? Infinity)
    openedMs = clock.now()
    dispatch({ type: 'connected' })
    options.onOpen?.(stream, frame.connectionId)
  }

  function judge(verdict: StreamEvent | undefined, stream: number): void {
    if (!verdict) return
    if (connections.isBefore(stream) && verdict.type === 'lost') unbridge(verdict.error)
    else dispatch(verdict)
  }

  function unbridge(error: unknown): void {
    connections.dropBefore(error)
    dispatch({ type: 'unbridged' })
  }

  connections.open()
  return {
    reopen: () => dispatch({ type: 'reopen' }),
    taken: () => connections.hasBefore() && unbridge(undefined),
    advanced: (on) => connections.isCurrent(on) && dispatch({ type: 'progress' }),
    askedWaitMs: () => state.retryMs,
    close: (error) => dispatch({ type: 'end', error }),
  }
}

/** Before `connected` only an error makes sense: anything else is some other `text/event-stream`. */
function mustComeFirst({ type }: Frame): void {
  if (type === 'connected' || type === 'error') return
  const message = `The stream began with "${type}", not with "connected". Check that url leads to tRPC.`
  throw new RealtimeError('INVALID_MESSAGE', message)
}
