import { type Clock, type DecodedMessage, RealtimeError } from '@trpc-sse/protocol'
import { type Connection, connect } from './connection.ts'
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

/** How long a new stream may take while the one before goes on, in milliseconds: events are held back for it. */
const bridgedConnectTimeoutMs = 3_000

/** How long, after the new stream is open, the one before is kept, in milliseconds: servers promise no more. */
const bridgeMs = 5_000

interface Line {
  readonly stream: number
  readonly connection: Connection
}

/** Opens a stream, and another one whenever it is lost. */
export function openStream(options: StreamOptions): Stream {
  const { clock } = options
  let state = initialStreamState
  let streams = 0
  let current: Line | undefined
  let before: Line | undefined
  let openedMs = 0
  let cancelBridge = (): void => {}
  const rest = createRest(options, () => dispatch({ type: 'elapsed' }))

  function dispatch(event: StreamEvent): void {
    const { phase, bridge } = state
    if (phase === 'open' && clock.now() - openedMs >= lastingMs) state = next(state, { type: 'progress' })
    state = next(state, event)
    if (state.phase !== phase || event.type === 'suspend') enter(event)
    if (state.bridge === 'none' && bridge !== 'none') dropBefore(state.error)
  }

  function enter(event: StreamEvent): void {
    if (state.phase === 'connecting') attempt()
    else if (state.phase === 'ended') end()
    else if (state.phase === 'waiting') leave(event)
    else if (event.type === 'refused') stay(event.error)
    else if (before) cancelBridge = clock.after(bridgeMs, () => dispatch({ type: 'unbridged' }))
  }

  /** From the current stream to the wait for the next. */
  function leave({ type }: StreamEvent): void {
    const line = current
    current = undefined
    rest.stop()
    if (type === 'move' || type === 'reopen') {
      dropBefore(undefined)
      before = line
    } else lose(line, state.error)
    if (state.phase === 'waiting' && !state.suspended) rest.start(state)
  }

  /** Goes on with the stream before as if no other had been asked for. */
  function stay(error: unknown): void {
    const refused = current
    current = before
    before = undefined
    lose(refused, undefined)
    options.onRefused?.(error)
  }

  function end(): void {
    rest.stop()
    unfollow()
    for (const line of [before, current]) line?.connection.close()
    cancelBridge()
    before = undefined
    current = undefined
    options.onEnded(state)
  }

  function lose(line: Line | undefined, error: unknown): void {
    if (!line) return
    line.connection.close()
    guard(() => {
      const verdict = options.onLost(line.stream, error)
      if (verdict) dispatch(verdict)
    })
  }

  function dropBefore(error: unknown): void {
    const line = before
    before = undefined
    cancelBridge()
    lose(line, error)
  }

  const device = {
    suspend: () => dispatch({ type: 'suspend' }),
    wake(): void {
      before?.connection.check()
      current?.connection.check()
      if (state.phase === 'waiting') rest.cutShort()
    },
  }
  const unfollow = followDevice(options.device, clock, options.hiddenTimeoutMs, device)

  function fail(error: unknown): void {
    // A handler can throw anything, but what is undefined would pass for a quiet end.
    dispatch({ type: 'end', error: error ?? new Error(`${error} was thrown.`) })
  }

  function guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      fail(error)
    }
  }

  function take(frame: Frame, stream: number): void {
    const line = stream === current?.stream ? current : undefined
    if (line && state.phase === 'connecting') mustComeFirst(frame)
    if (frame.type === 'connected') {
      line?.connection.opened(options.inactivityTimeoutMs ?? frame.inactivityTimeoutMs ?? Infinity)
      if (!line) return
      openedMs = clock.now()
      dispatch({ type: 'connected' })
      options.onOpen?.(stream, frame.connectionId)
    } else if (frame.type === 'ping' || frame.type === 'move') {
      if (line) dispatch({ type: frame.type === 'ping' ? 'sign' : 'move' })
    } else {
      if (line && frame.type === 'event') dispatch({ type: 'sign' })
      judge(options.onFrame(frame, stream), stream)
    }
  }

  function judge(verdict: StreamEvent | undefined, stream: number): void {
    if (!verdict) return
    if (stream === before?.stream && verdict.type === 'lost') unbridge(verdict.error)
    else dispatch(verdict)
  }

  function unbridge(error: unknown): void {
    dropBefore(error)
    dispatch({ type: 'unbridged' })
  }

  function attempt(): void {
    const stream = ++streams
    const ifCurrent = (event: StreamEvent): void => {
      if (stream === current?.stream) dispatch(event)
    }
    const connectTimeoutMs = before
      ? Math.min(bridgedConnectTimeoutMs, options.connectTimeoutMs)
      : options.connectTimeoutMs
    const connection = connect({
      ...options,
      connectTimeoutMs,
      write: (endpoint) => options.write(endpoint, stream),
      onMessage: (message) =>
        guard(() => {
          for (const frame of options.read(message)) if (has(stream)) take(frame, stream)
        }),
      onAnswer: () => ifCurrent({ type: 'answered' }),
      onRetry: (ms) => ifCurrent({ type: 'retry', ms }),
    })
    current = { stream, connection }
    void connection.ended.then((event) => {
      if (event && stream === before?.stream) unbridge(state.error)
      else if (event) ifCurrent(event)
    })
    // The app's own functions were asked already, and may have ended it.
    if (state.phase !== 'connecting') connection.close()
  }

  const has = (stream: number): boolean => stream === current?.stream || stream === before?.stream

  attempt()
  return {
    reopen: () => dispatch({ type: 'reopen' }),
    taken: () => before && unbridge(undefined),
    advanced: (on) => on === current?.stream && dispatch({ type: 'progress' }),
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
