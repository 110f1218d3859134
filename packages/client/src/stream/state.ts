import { longestAskedWaitMs } from './retry.ts'

/**
 * Where the streams of a set of subscriptions stand. There is one after the other, until the set is done:
 *
 *     connecting ──connected──▶ open
 *         ▲   └──────lost──┐     │ lost, move, reopen, suspend
 *         │                ▼     ▼
 *         └───elapsed──── waiting        any ──end──▶ ended
 *
 * The state is that of the newest one. After `move` and `reopen` the one before goes on beside it, as a bridge.
 */
export interface StreamState {
  readonly phase: 'connecting' | 'open' | 'waiting' | 'ended'
  /** Why the stream before goes on: the server asked for a new one, or the client wants one. */
  readonly bridge: 'none' | 'asked' | 'own'
  /** Whether no new stream is to be opened by itself. */
  readonly suspended: boolean
  /** Whether this stream has carried an event, or a heartbeat after its opening: to leave it is no failure. */
  readonly proven: boolean
  /** Streams in a row that failed before they had made progress. */
  readonly failures: number
  /** Whether any stream was ever opened: if so, the address is right. */
  readonly everOpen: boolean
  /** Answers in a row that were no streams. */
  readonly wrongAnswers: number
  /** The shortest wait that this stream's `retry:` asks for, in milliseconds. */
  readonly retryMs: number
  /** While waiting: the shortest wait that the server asked for, in milliseconds. */
  readonly askedWaitMs: number
  /** Why it waits or has ended; `undefined` if nothing failed. */
  readonly error: unknown
  /** The HTTP status that ended it, if one did. */
  readonly status: number | undefined
}

/** What can happen to a stream. */
export type StreamEvent =
  /** The server answered with a stream. It speaks for itself: what an earlier one asked for is over. */
  | { readonly type: 'answered' }
  /** The stream's first message arrived. */
  | { readonly type: 'connected' }
  /** An event arrived, or a heartbeat. What comes first every time proves nothing more than a way to the server. */
  | { readonly type: 'sign' }
  /** A position has moved, or the stream has lasted. */
  | { readonly type: 'progress' }
  /** The server asks to wait this long before the next stream. */
  | { readonly type: 'retry'; readonly ms: number }
  /** The stream failed, or could not be had. */
  | { readonly type: 'lost'; readonly error: unknown; readonly retryAfterMs?: number }
  /** The server answered with success, but not with a stream. */
  | { readonly type: 'wrong-answer'; readonly error: unknown }
  /** No stream can be had. */
  | { readonly type: 'refused'; readonly error: unknown; readonly status?: number }
  /** The server asks for a new stream in place of this one. */
  | { readonly type: 'move' }
  /** The client wants a new stream in place of this one. */
  | { readonly type: 'reopen' }
  /** The bridge is gone, or isn't needed any more. */
  | { readonly type: 'unbridged' }
  /** No stream is wanted until `elapsed`. */
  | { readonly type: 'suspend' }
  /** The wait is over. */
  | { readonly type: 'elapsed' }
  /** Nothing more is wanted. */
  | { readonly type: 'end'; readonly error?: unknown }

/** Before the first stream. */
export const initialStreamState: StreamState = {
  phase: 'connecting',
  bridge: 'none',
  suspended: false,
  proven: false,
  failures: 0,
  everOpen: false,
  wrongAnswers: 0,
  retryMs: 0,
  askedWaitMs: 0,
  error: undefined,
  status: undefined,
}

/**
 * A login page or a proxy's own page comes with status 200 too, and goes away. A mistyped address stays: so
 * many such answers in a row end it, unless a stream was ever had from there.
 */
const mostWrongAnswers = 5

/** Says where a stream stands after an event. What can't happen in a phase changes nothing. */
export function next(state: StreamState, event: StreamEvent): StreamState {
  if (state.phase === 'ended') return state
  switch (event.type) {
    case 'end':
      return { ...state, phase: 'ended', bridge: 'none', error: event.error }
    case 'suspend':
      return suspended(state)
    case 'unbridged':
      return state.bridge === 'none' ? state : { ...state, bridge: 'none' }
    case 'elapsed':
      return state.phase === 'waiting' ? connecting(state) : state
    default:
      return state.phase === 'waiting' ? state : nextOfStream(state, event)
  }
}

/** What happens to a stream itself happens while there is one. */
type OwnEvent = Exclude<StreamEvent, { readonly type: 'end' | 'suspend' | 'unbridged' | 'elapsed' }>

function nextOfStream(state: StreamState, event: OwnEvent): StreamState {
  switch (event.type) {
    case 'answered':
      return { ...state, retryMs: 0 }
    case 'connected':
      return { ...state, phase: 'open', everOpen: true, wrongAnswers: 0 }
    case 'sign':
      return state.phase === 'open' && !state.proven ? { ...state, proven: true } : state
    case 'progress':
      return state.phase === 'open' && state.failures > 0 ? { ...state, failures: 0 } : state
    case 'retry':
      return { ...state, retryMs: Math.min(event.ms, longestAskedWaitMs) }
    case 'lost':
      return waiting({ ...state, wrongAnswers: 0 }, event.error, event.retryAfterMs)
    case 'wrong-answer':
      return wrongAnswer(state, event.error)
    case 'refused':
      return refused(state, event.error, event.status)
    case 'move':
      return state.phase === 'open' ? moving(state) : state
    case 'reopen':
      return state.phase === 'open'
        ? { ...state, phase: 'waiting', bridge: 'own', failures: 0 }
        : state
  }
}

function connecting(state: StreamState): StreamState {
  return {
    ...state,
    phase: 'connecting',
    suspended: false,
    proven: false,
    askedWaitMs: 0,
    error: undefined,
  }
}

function waiting(state: StreamState, error: unknown, retryAfterMs = 0): StreamState {
  const askedWaitMs = Math.min(Math.max(state.retryMs, retryAfterMs), longestAskedWaitMs)
  // The client's own wish is no reason to keep two: what it wanted it can't have beside the one before.
  const bridge = state.bridge === 'own' ? 'none' : state.bridge
  return { ...state, phase: 'waiting', bridge, failures: state.failures + 1, askedWaitMs, error }
}

function moving(state: StreamState): StreamState {
  // A server that asks to move on before anything worked would make a busy loop: that backs off like a failure.
  const moved: StreamState = state.proven
    ? { ...state, phase: 'waiting', failures: 0 }
    : waiting(state, undefined)
  return { ...moved, bridge: 'asked' }
}

function suspended(state: StreamState): StreamState {
  return {
    ...state,
    phase: 'waiting',
    bridge: 'none',
    suspended: true,
    failures: 0,
    askedWaitMs: 0,
    error: undefined,
  }
}

function refused(state: StreamState, error: unknown, status: number | undefined): StreamState {
  // The one before goes on, so the refusal is for what was to be new.
  if (state.bridge === 'own' && state.phase === 'connecting')
    return { ...state, phase: 'open', bridge: 'none' }
  if (state.bridge === 'asked') return waiting(state, error)
  return { ...state, phase: 'ended', error, status }
}

function wrongAnswer(state: StreamState, error: unknown): StreamState {
  const wrongAnswers = state.wrongAnswers + 1
  if (!state.everOpen && wrongAnswers >= mostWrongAnswers)
    return { ...state, phase: 'ended', error }
  return waiting({ ...state, wrongAnswers }, error)
}
