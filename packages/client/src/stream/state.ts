import { longestAskedWaitMs } from './retry-policy.ts'

/**
 * The state of the connections of a stream. There is one after the other, until the stream ends:
 *
 *     connecting ──connected──▶ open
 *         ▲   └──────lost──┐     │ lost, handover, suspend
 *         │                ▼     ▼
 *         └───elapsed──── waiting ──gave-up──▶ ended        any ──end──▶ ended
 *
 * The state is that of the newest connection. During a handover, the previous one continues beside
 * it.
 */
export interface StreamState {
  readonly phase: 'connecting' | 'open' | 'waiting' | 'ended'
  /** The side that requested the current handover. */
  readonly handover: 'none' | 'server' | 'client'
  /**
   * Whether no connection is opened until {@link StreamEvent} `elapsed` is dispatched from outside.
   */
  readonly suspended: boolean
  /**
   * Whether this connection has carried an event, or a heartbeat after it opened. Leaving it is
   * then no failure.
   */
  readonly proven: boolean
  /** While waiting: whether a failure is the reason. Otherwise, no back-off is needed. */
  readonly failed: boolean
  /** Whether it ended because a failure isn't retried. */
  readonly gaveUp: boolean
  /** Whether any connection was ever open, which proves that the address is right. */
  readonly everOpen: boolean
  /** Answers in a row that weren't streams. */
  readonly wrongAnswers: number
  /** The shortest wait that `retry:` of this connection requests, in milliseconds. */
  readonly retryMs: number
  /** While waiting: the shortest wait that the server requested, in milliseconds. */
  readonly askedWaitMs: number
  /** The reason why it waits or has ended; `undefined` if nothing failed. */
  readonly error: unknown
  /** The HTTP status that ended it, if one did. */
  readonly status: number | undefined
}

/** The events of a stream. */
export type StreamEvent =
  /** The server answered with a stream, so waits that an earlier one requested are over. */
  | { readonly type: 'answered' }
  /** The first message arrived. */
  | { readonly type: 'connected' }
  /** An event or a heartbeat arrived, which proves more than the first message of every stream. */
  | { readonly type: 'alive' }
  /** The server asks to wait this long before the next connection. */
  | { readonly type: 'retry'; readonly ms: number }
  /** The connection failed, or could not be opened. */
  | { readonly type: 'lost'; readonly error: unknown; readonly retryAfterMs?: number }
  /** The server answered with success, but not with a stream. */
  | { readonly type: 'wrong-answer'; readonly error: unknown }
  /** The server refused the request, or another attempt can't succeed. */
  | { readonly type: 'refused'; readonly error: unknown; readonly status?: number }
  /** A new connection is to take over from this one. */
  | { readonly type: 'handover'; readonly by: 'server' | 'client' }
  /** The previous connection is gone, or no longer needed. */
  | { readonly type: 'previous-closed' }
  /** No connection is wanted until `elapsed`. */
  | { readonly type: 'suspend' }
  /** The wait is over. */
  | { readonly type: 'elapsed' }
  /** The failure is not retried. */
  | { readonly type: 'gave-up'; readonly error: unknown }
  /** The stream is no longer needed. */
  | { readonly type: 'end'; readonly error?: unknown }

/** The state before the first connection. */
export const initialStreamState: StreamState = {
  phase: 'connecting',
  handover: 'none',
  suspended: false,
  proven: false,
  failed: false,
  gaveUp: false,
  everOpen: false,
  wrongAnswers: 0,
  retryMs: 0,
  askedWaitMs: 0,
  error: undefined,
  status: undefined,
}

/**
 * A login page or a proxy's own page also has status 200, and goes away. A mistyped address stays.
 * So this many such answers in a row end the stream, unless a connection was ever open.
 */
const mostWrongAnswers = 5

/** Returns the state after an event. Events that can't happen in a phase change nothing. */
export function next(state: StreamState, event: StreamEvent): StreamState {
  if (state.phase === 'ended') return state
  switch (event.type) {
    case 'end':
    case 'gave-up':
      return {
        ...state,
        phase: 'ended',
        handover: 'none',
        gaveUp: event.type === 'gave-up',
        error: event.error,
      }
    case 'suspend':
      return suspended(state)
    case 'previous-closed':
      return state.handover === 'none' ? state : { ...state, handover: 'none' }
    case 'elapsed':
      return state.phase === 'waiting' ? connecting(state) : state
    default:
      return state.phase === 'waiting' ? state : nextOfConnection(state, event)
  }
}

/** The events that require a connection. */
type ConnectionEvent = Exclude<
  StreamEvent,
  { readonly type: 'end' | 'gave-up' | 'suspend' | 'previous-closed' | 'elapsed' }
>

function nextOfConnection(state: StreamState, event: ConnectionEvent): StreamState {
  switch (event.type) {
    case 'answered':
      return { ...state, retryMs: 0 }
    case 'connected':
      return { ...state, phase: 'open', everOpen: true, wrongAnswers: 0 }
    case 'alive':
      return state.phase === 'open' ? { ...state, proven: true } : state
    case 'retry':
      return { ...state, retryMs: Math.min(event.ms, longestAskedWaitMs) }
    case 'lost':
      return waiting({ ...state, wrongAnswers: 0 }, event.error, event.retryAfterMs)
    case 'wrong-answer':
      return wrongAnswer(state, event.error)
    case 'refused':
      return refused(state, event.error, event.status)
    case 'handover':
      return state.phase === 'open' ? handingOver(state, event.by) : state
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
  // If a handover that the client started fails, drop the previous connection too: it can't serve
  // the new set.
  const handover = state.handover === 'client' ? 'none' : state.handover
  return { ...state, phase: 'waiting', handover, failed: true, askedWaitMs, error }
}

function handingOver(state: StreamState, by: 'server' | 'client'): StreamState {
  // A server that hands over before anything worked would cause a busy loop: back off as after a
  // failure.
  const next: StreamState =
    state.proven || by === 'client'
      ? { ...state, phase: 'waiting', failed: false }
      : waiting(state, undefined)
  return { ...next, handover: by }
}

function suspended(state: StreamState): StreamState {
  return {
    ...state,
    phase: 'waiting',
    handover: 'none',
    suspended: true,
    failed: false,
    askedWaitMs: 0,
    error: undefined,
  }
}

function refused(state: StreamState, error: unknown, status: number | undefined): StreamState {
  // The previous connection continues: only the new set is refused.
  if (state.handover === 'client' && state.phase === 'connecting')
    return { ...state, phase: 'open', handover: 'none' }
  if (state.handover === 'server') return waiting(state, error)
  return { ...state, phase: 'ended', error, status }
}

function wrongAnswer(state: StreamState, error: unknown): StreamState {
  const wrongAnswers = state.wrongAnswers + 1
  if (!state.everOpen && wrongAnswers >= mostWrongAnswers)
    return { ...state, phase: 'ended', error }
  return waiting({ ...state, wrongAnswers }, error)
}
