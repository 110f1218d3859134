import { TRPCError } from '@trpc/server'
import { RealtimeError } from '@trpc-sse/protocol'
import type { Gap } from '../hub/log-event.ts'
import { acrossCopies } from '../shared-state.ts'

/** Options of `live`. A resolver's `opts` can be passed as they are. */
export interface LiveOptions {
  /** Ends the subscription when it aborts. A procedure's call ends what it returns by itself. */
  readonly signal?: AbortSignal | undefined
  /**
   * The id to start after, if the client doesn't resume by itself: `lastEventId` of a query that was loaded before,
   * for example. Defaults to `lastEventId` of the input. The id of a client that resumes goes first: what a procedure
   * returns to the server link resumes whatever it was given here.
   */
  readonly lastEventId?: string | null | undefined
  /** The procedure's input. Only its `lastEventId` is looked at. */
  readonly input?: unknown
}

/** Options of `subscribe`. A resolver's `opts` can be passed as they are. */
export interface SubscribeOptions extends LiveOptions {
  /**
   * How many of the newest events a subscription gets first if it has no id to start after. If the log had more than it
   * retains of them (`retain` of the channel), one gap, `trimmed`, comes first: ask for no more than is retained.
   *
   * @default 0
   */
  readonly replay?: number | 'all'
  /**
   * What happens when events can't be had any more: `report` tells the client link's `onGap` (elsewhere `onError` of
   * the channels) and goes on, `error` ends the subscription with PRECONDITION_FAILED.
   *
   * @default 'report'
   */
  readonly onGap?: 'report' | 'error'
}

/** The call that a subscription is served by, as far as the subscription has to know. */
export interface Transport {
  /** Where the client resumes. */
  readonly lastEventId: string | undefined
  /** Tells the client where a subscription stands that has nothing to send yet: a resume starts there. */
  onPosition(lastEventId: string): void
  /** Tells the client. */
  onGap(gap: Gap): void
  /** Waits for the turn to load a snapshot; `undefined` if it is now. */
  turn(signal: AbortSignal): Promise<void> | undefined
}

// A call's signal is the one thing that reaches the resolver unchanged, whatever the input's schema lets through.
const transports = acrossCopies('transports', () => new WeakMap<AbortSignal, Transport>())

/** Makes a call's transport known to the subscriptions that are given its signal. */
export function setTransport(signal: AbortSignal, transport: Transport): void {
  transports.set(signal, transport)
}

/** Forgets a call's transport. */
export function clearTransport(signal: AbortSignal): void {
  transports.delete(signal)
}

/** The transport of the call that a subscription's options come from. */
export function transportOf(options: LiveOptions): Transport | undefined {
  return options.signal && transports.get(options.signal)
}

/**
 * Finds the id to resume from: that of a client that resumes, then the given one, then the one in the input. Throws
 * BAD_REQUEST.
 */
export async function findLastEventId(options: LiveOptions): Promise<string | undefined> {
  const id =
    transportOf(options)?.lastEventId ||
    // tRPC's own adapters put the id into the raw input; most schemas do not let it through.
    ('getRawInput' in options && typeof options.getRawInput === 'function'
      ? idOf(await options.getRawInput())
      : '') ||
    options.lastEventId ||
    idOf(options.input)
  if (typeof id === 'string') return id === '' ? undefined : id
  if (id === null || id === undefined) return undefined
  throw badRequest(
    new RealtimeError(
      'INVALID_LAST_EVENT_ID',
      'lastEventId must be a string. Send the id as it came.',
    ),
  )
}

/** Whether options say where the client resumes, were it for the first time. */
export function knowsCall(options: LiveOptions): boolean {
  return (
    transportOf(options) !== undefined ||
    'getRawInput' in options ||
    'lastEventId' in options ||
    idOf(options.input) !== undefined
  )
}

function idOf(input: unknown): unknown {
  return typeof input === 'object' && input !== null && 'lastEventId' in input
    ? input.lastEventId
    : undefined
}

/** What a procedure throws for an error that its caller made: tRPC answers BAD_REQUEST. */
export function badRequest(cause: RealtimeError): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message: cause.message, cause })
}

/** What ends a subscription that asked for `onGap: 'error'`. */
export function gapError(gap: Gap): TRPCError {
  const cause = new RealtimeError('GAP', gapMessage(gap))
  return new TRPCError({ code: 'PRECONDITION_FAILED', message: cause.message, cause })
}

const whyOf: Readonly<Record<Gap['reason'], string>> = {
  trimmed: 'they are no longer retained',
  reset: 'the log is not the one it was',
  skipped: 'the subscription was too far behind, and this channel then goes on at the newest event',
}

/** Says in words what is missing. */
export function gapMessage({ lastEventId, reason }: Gap): string {
  return `Events after ${lastEventId} can't be had any more: ${whyOf[reason]}. Load the current state and go on from there.`
}
