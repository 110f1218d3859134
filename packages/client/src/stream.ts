import { type Clock, type DecodedMessage, RealtimeError, wait } from '@trpc-sse/protocol'
import { type Connection, connect } from './connection.ts'
import type { Fetch } from './fetch.ts'
import type { Frame } from './frames.ts'
import type { HttpRequest } from './request.ts'
import type { ReadErrorBody } from './response.ts'
import { type RetryPolicy, reconnectDelayMs } from './retry.ts'
import { initialStreamState, next, type StreamEvent, type StreamState } from './state.ts'

/** What all streams of a link share. */
export interface StreamSettings {
  readonly clock: Clock
  readonly fetch: Fetch
  readonly retry: RetryPolicy
  readonly connectTimeoutMs: number
  /** Instead of what the server says; `undefined` to go by that. */
  readonly inactivityTimeoutMs: number | undefined
}

/** A mode of the protocol, and the subscriptions that a stream is for. */
export interface StreamOptions extends StreamSettings {
  /** Writes the request for a stream of everything that is wanted now. */
  readonly request: () => Promise<HttpRequest>
  /** Gives a message its meaning; `undefined` if it has none. */
  readonly read: (message: DecodedMessage) => Frame | undefined
  readonly readErrorBody: ReadErrorBody
  /** Takes every frame, and may say what it means for the stream. If it throws, the stream ends with that. */
  readonly onFrame: (frame: Frame) => StreamEvent | undefined
  /** Is told every change of phase. If it throws, the stream ends with that. */
  readonly onPhase: (state: StreamState) => void
}

/** Streams, one after the other, until nothing more is wanted or can be had. */
export interface Stream {
  /** Ends them, with an error if there is one to tell. Closing twice is harmless. */
  close(error?: unknown): void
}

/** Opens a stream, and another one whenever it is lost. */
export function openStream(options: StreamOptions): Stream {
  const ended = new AbortController()
  let state = initialStreamState
  let connection: Connection | undefined

  function dispatch(event: StreamEvent): void {
    const before = state.phase
    state = next(state, event)
    if (state.phase === before) return
    if (state.phase === 'waiting' || state.phase === 'ended') connection?.close()
    if (state.phase === 'ended') ended.abort()
    options.onPhase(state)
  }

  function close(error?: unknown): void {
    dispatch({ type: 'end', error })
  }

  function fail(error: unknown): void {
    // A handler can throw anything, but what is undefined would pass for a quiet end.
    close(error ?? new Error(`${error} was thrown.`))
  }

  function onMessage(message: DecodedMessage): void {
    try {
      const frame = options.read(message)
      if (frame) take(frame)
    } catch (error) {
      fail(error)
    }
  }

  function take(frame: Frame): void {
    if (state.phase === 'connecting') mustComeFirst(frame)
    if (frame.type === 'connected')
      connection?.opened(inactivityTimeoutMs(options, frame.inactivityTimeoutMs))
    const event = meaningOf(frame)
    if (event) dispatch(event)
    const verdict = options.onFrame(frame)
    if (verdict) dispatch(verdict)
  }

  async function attempt(): Promise<void> {
    connection = connect({
      ...options,
      onMessage,
      onAnswer: () => dispatch({ type: 'answered' }),
      onRetry: (ms) => dispatch({ type: 'retry', ms }),
    })
    const event = await connection.ended
    if (event) dispatch(event)
  }

  async function run(): Promise<void> {
    while (state.phase !== 'ended') {
      await attempt()
      await wait(options.clock, reconnectDelayMs(options.clock, options.retry, state), ended.signal)
      dispatch({ type: 'elapsed' })
    }
  }

  run().catch(fail)
  return { close }
}

/** What a frame means for the stream that carries it, whatever it says to a subscription. */
function meaningOf({ type }: Frame): StreamEvent | undefined {
  if (type === 'connected') return { type: 'connected' }
  if (type === 'event' || type === 'ping') return { type: 'progress' }
  if (type === 'move') return { type: 'move' }
  return undefined
}

/** Before `connected` only an error makes sense: anything else is some other `text/event-stream`. */
function mustComeFirst({ type }: Frame): void {
  if (type === 'connected' || type === 'error') return
  const message = `The stream began with "${type}", not with "connected". Check that url leads to tRPC.`
  throw new RealtimeError('INVALID_MESSAGE', message)
}

function inactivityTimeoutMs(settings: StreamSettings, announcedMs: number | undefined): number {
  return settings.inactivityTimeoutMs ?? announcedMs ?? Infinity
}
