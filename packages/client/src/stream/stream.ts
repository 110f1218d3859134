import { type Clock, type DecodedMessage, elapsedTime, RealtimeError } from '@trpc-sse/protocol'
import { type Connection, connect, type Receive } from '../transport/attempt.ts'
import { createBuffering } from '../transport/buffering.ts'
import type { Fetch } from '../transport/fetch.ts'
import type { ReadErrorBody } from '../transport/response.ts'
import type { Frame, SubscriptionFrame } from '../wire/frame.ts'
import type { Endpoint, HttpRequest } from '../wire/request.ts'
import { type Device, followDevice } from './device.ts'
import { createRest } from './reconnect-delay.ts'
import { lastingMs, type RetryPolicy } from './retry.ts'
import { initialStreamState, next, type StreamEvent, type StreamState } from './state.ts'

/** What all streams of a link share. */
export interface StreamSettings {
  readonly clock: Clock
  readonly fetch: Fetch
  /** Instead of `fetch`, in single mode; `undefined` for that. */
  readonly receive: Receive | undefined
  readonly device: Device
  readonly retry: RetryPolicy
  readonly connectTimeoutMs: number
  /** Instead of what the server says; `undefined` to go by that. */
  readonly inactivityTimeoutMs: number | undefined
  readonly hiddenTimeoutMs: number
}

/** What a mode of the protocol does with one connection. */
export interface Carrier {
  /** Writes the request for everything that is wanted now, on a stream that lasts no longer than this, if it is said. */
  write(endpoint: Endpoint, maxDurationMs: number | undefined): HttpRequest
  /** It is open. */
  opened?(connectionId: string | undefined): void
  /** Takes every frame of a subscription, and may say what it means for the stream. */
  receive(frame: SubscriptionFrame): StreamEvent | undefined
  /** It is gone, with an error if it failed. May say what follows for the one that is left. */
  lost(error: unknown): StreamEvent | undefined
  /** A subscription has got further on it. */
  progressed(): void
}

/** A mode of the protocol, and what it tells. If a callback throws, all ends with that. */
export interface StreamOptions extends StreamSettings {
  readonly endpoint: () => Promise<Endpoint>
  /** There is one more connection. At most two are there at a time. `progressed` is what its {@link Carrier.progressed} calls. */
  readonly carry: (progressed: () => void) => Carrier
  /** Gives a message its meaning. */
  readonly read: (message: DecodedMessage) => readonly Frame[]
  readonly readErrorBody: ReadErrorBody
  /** What `reopen` was called for can't be had; the connection before goes on. */
  readonly onRefused?: (error: unknown) => void
  /** The server has said how long to wait before another connection. */
  readonly onRetryAsked?: () => void
  readonly onEnded: (state: StreamState) => void
}

/** Connections, one after the other, until nothing more is wanted or can be had. */
export interface Stream {
  /** Opens a new one, and lets the one before go on until {@link taken}. */
  reopen(): void
  /** The one before isn't needed any more. */
  taken(): void
  /** The shortest wait that the stream asks for, in milliseconds, before anything on it is tried again. */
  askedWaitMs(): number
  /** Ends them, with an error if there is one to tell. Closing twice is harmless. */
  close(error?: unknown): void
}

/** How long a new connection may take while the one before goes on, in milliseconds: events are held back for it. */
const bridgedConnectTimeoutMs = 3_000

/** How long, after the new one is open, the one before is kept, in milliseconds: servers promise no more. */
const bridgeMs = 5_000

interface Line extends Connection {
  readonly carrier: Carrier
  readonly askedAtMs: number
}

/** Opens a stream: a connection, and another one whenever it is lost. */
export function openStream(options: StreamOptions): Stream {
  const { clock } = options
  const elapsedMs = elapsedTime(clock)
  const buffering = createBuffering(options)
  const rest = createRest(options, () => dispatch({ type: 'elapsed' }))
  let state = initialStreamState
  let openedMs = 0
  // The newest, and beside it the one before, while that is a bridge to it.
  let current: Line | undefined
  let before: Line | undefined
  let cancelBridge = (): void => {}

  function dispatch(event: StreamEvent): void {
    const { phase, bridge } = state
    if (phase === 'open' && elapsedMs() - openedMs >= lastingMs)
      state = next(state, { type: 'progress' })
    state = next(state, event)
    if (event.type === 'retry') options.onRetryAsked?.()
    if (state.phase !== phase || event.type === 'suspend') enter(event)
    if (state.bridge === 'none' && bridge !== 'none') dropBefore(state.error)
  }

  function enter(event: StreamEvent): void {
    if (state.phase === 'connecting') open()
    else if (state.phase === 'ended') end()
    else if (state.phase === 'waiting') leave(event.type)
    else if (event.type === 'refused') goBack(event.error)
    else if (before) cancelBridge = clock.after(bridgeMs, () => dispatch({ type: 'unbridged' }))
  }

  function open(): void {
    const carrier = options.carry(() => line === current && dispatch({ type: 'progress' }))
    const maxDurationMs = buffering.maxDurationMs()
    // A short stream is held back until its end.
    const isBridged = before && maxDurationMs === undefined
    const line: Line = {
      carrier,
      askedAtMs: elapsedMs(),
      ...connect({
        ...options,
        connectTimeoutMs: Math.min(
          isBridged ? bridgedConnectTimeoutMs : Infinity,
          options.connectTimeoutMs,
        ),
        write: (endpoint) => carrier.write(endpoint, maxDurationMs),
        onTimeout: buffering.timedOut,
        onMessage(message) {
          guard(() => {
            for (const frame of options.read(message)) take(frame, line)
          })
        },
        onEvent(event) {
          if (line === current) dispatch(event)
          else if (line === before && event.type !== 'retry')
            unbridge(state.error ?? buffering.error())
        },
      }),
    }
    // The app's own functions were asked already, and may have ended it.
    if (state.phase === 'connecting') current = line
    else lose(line, undefined)
  }

  /** From the current connection to the wait for the next. */
  function leave(why: StreamEvent['type']): void {
    const line = current
    current = undefined
    rest.stop()
    if (why === 'move' || why === 'reopen') {
      dropBefore(undefined)
      before = line
    } else lose(line, state.error)
    if (state.phase === 'waiting' && !state.suspended) rest.start(state)
  }

  /** To the connection before, as if no other had been asked for. */
  function goBack(error: unknown): void {
    const refused = current
    current = before
    before = undefined
    lose(refused, undefined)
    options.onRefused?.(error)
  }

  function dropBefore(error: unknown): void {
    const line = before
    before = undefined
    cancelBridge()
    lose(line, error)
  }

  function unbridge(error: unknown): void {
    dropBefore(error)
    dispatch({ type: 'unbridged' })
  }

  function lose(line: Line | undefined, error: unknown): void {
    line?.close()
    guard(() => judge(line?.carrier.lost(error), line))
  }

  function end(): void {
    rest.stop()
    unfollow()
    cancelBridge()
    before?.close()
    current?.close()
    before = undefined
    current = undefined
    options.onEnded(state)
  }

  function guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      // A handler can throw anything, but what is undefined would pass for a quiet end.
      dispatch({ type: 'end', error: error ?? new Error(`${error} was thrown.`) })
    }
  }

  function take(frame: Frame, line: Line): void {
    if (line === current) hear(frame, line)
    else if (line !== before) return
    if ('key' in frame) judge(line.carrier.receive(frame), line)
  }

  /** What a frame says of the stream itself. */
  function hear(frame: Frame, { carrier, opened, askedAtMs }: Line): void {
    const { type } = frame
    if (state.phase === 'connecting') mustComeFirst(frame)
    if (type === 'connected') {
      opened(options.inactivityTimeoutMs ?? frame.reconnectAfterInactivityMs ?? Infinity)
      openedMs = elapsedMs()
      buffering.opened(openedMs - askedAtMs)
      dispatch({ type })
      // One that had to end to arrive has worked.
      if (buffering.error()) dispatch({ type: 'sign' })
      carrier.opened?.(frame.connectionId)
    } else if (type === 'ping' || type === 'event') dispatch({ type: 'sign' })
    else if (type === 'reconnect') dispatch({ type: 'move' })
  }

  function judge(verdict: StreamEvent | undefined, line: Line | undefined): void {
    if (verdict?.type === 'lost' && line === before) unbridge(verdict.error)
    else if (verdict) dispatch(verdict)
  }

  const unfollow = followDevice(options.device, clock, options.hiddenTimeoutMs, {
    suspend: () => dispatch({ type: 'suspend' }),
    wake() {
      before?.check()
      current?.check()
      if (state.phase === 'waiting') rest.cutShort()
    },
  })

  open()
  return {
    reopen: () => dispatch({ type: 'reopen' }),
    taken: () => before && unbridge(undefined),
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
