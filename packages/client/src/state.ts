import { longestAskedWaitMs } from './retry.ts'

/**
 * Where the stream of a set of subscriptions stands. There is one at a time, and after it another, until the
 * set is done:
 *
 *     connecting ──connected──▶ open
 *         ▲   └──────lost──┐     │ lost, move
 *         │                ▼     ▼
 *         └───elapsed──── waiting        any ──end──▶ ended
 */
export interface StreamState {
  readonly phase: 'connecting' | 'open' | 'waiting' | 'ended'
  /** Whether this stream has carried an event, or a heartbeat after its opening: it works. */
  readonly proven: boolean
  /** Streams in a row that ended before they had proved themselves. */
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
}

/** What can happen to a stream. */
export type StreamEvent =
  /** The server answered with a stream. It speaks for itself: what an earlier one asked for is over. */
  | { readonly type: 'answered' }
  /** The stream's first message arrived. */
  | { readonly type: 'connected' }
  /** An event arrived, or a heartbeat. */
  | { readonly type: 'progress' }
  /** The server asks to wait this long before the next stream. */
  | { readonly type: 'retry'; readonly ms: number }
  /** The stream failed, or could not be had. */
  | { readonly type: 'lost'; readonly error: unknown; readonly retryAfterMs?: number }
  /** The server answered with success, but not with a stream. */
  | { readonly type: 'wrong-answer'; readonly error: unknown }
  /** The server asks for a new stream in place of this one. */
  | { readonly type: 'move' }
  /** The wait is over. */
  | { readonly type: 'elapsed' }
  /** Nothing more is wanted, or nothing more can be had. */
  | { readonly type: 'end'; readonly error?: unknown }

/** Before the first stream. */
export const initialStreamState: StreamState = {
  phase: 'connecting',
  proven: false,
  failures: 0,
  everOpen: false,
  wrongAnswers: 0,
  retryMs: 0,
  askedWaitMs: 0,
  error: undefined,
}

/**
 * A login page or a proxy's own page comes with status 200 too, and goes away. A mistyped address stays: so
 * many such answers in a row end it, unless a stream was ever had from there.
 */
const mostWrongAnswers = 5

/** Says where a stream stands after an event. What can't happen in a phase changes nothing. */
export function next(state: StreamState, event: StreamEvent): StreamState {
  if (state.phase === 'ended') return state
  if (event.type === 'end') return { ...state, phase: 'ended', error: event.error }
  if (state.phase === 'waiting') return event.type === 'elapsed' ? connecting(state) : state
  switch (event.type) {
    case 'answered':
      return { ...state, retryMs: 0 }
    case 'connected':
      return { ...state, phase: 'open', everOpen: true, wrongAnswers: 0 }
    case 'progress':
      return state.phase === 'open' && !state.proven ? { ...state, proven: true, failures: 0 } : state
    case 'retry':
      return { ...state, retryMs: Math.min(event.ms, longestAskedWaitMs) }
    case 'lost':
      return waiting({ ...state, wrongAnswers: 0 }, event.error, event.retryAfterMs)
    case 'wrong-answer':
      return wrongAnswer(state, event.error)
    case 'move':
      return state.phase === 'open' ? moving(state) : state
    case 'elapsed':
      return state
  }
}

function connecting(state: StreamState): StreamState {
  return { ...state, phase: 'connecting', proven: false, askedWaitMs: 0, error: undefined }
}

function waiting(state: StreamState, error: unknown, retryAfterMs = 0): StreamState {
  const askedWaitMs = Math.min(Math.max(state.retryMs, retryAfterMs), longestAskedWaitMs)
  return { ...state, phase: 'waiting', failures: state.failures + 1, askedWaitMs, error }
}

function moving(state: StreamState): StreamState {
  // A server that asks to move on before anything worked would make a busy loop: that backs off like a failure.
  return state.proven ? { ...state, phase: 'waiting' } : waiting(state, undefined)
}

function wrongAnswer(state: StreamState, error: unknown): StreamState {
  const wrongAnswers = state.wrongAnswers + 1
  if (!state.everOpen && wrongAnswers >= mostWrongAnswers) return { ...state, phase: 'ended', error }
  return waiting({ ...state, wrongAnswers }, error)
}
