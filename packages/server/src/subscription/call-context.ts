import { acrossCopies } from '../shared-state.ts'
import type { Gap } from './feed.ts'
import type { LiveOptions } from './options.ts'

/** The functions of a procedure call that its subscription uses. */
export interface CallContext {
  /** The id that the client resumes from. */
  readonly lastEventId: string | undefined
  /**
   * Sends the client the position of a subscription that has no event yet, so that a resume starts
   * there.
   */
  sendPosition(lastEventId: string): void
  /** Sends a gap to the client. */
  sendGap(gap: Gap): void
  /** Waits for the call's turn to load a snapshot. Returns `undefined` if it can load now. */
  turn(signal: AbortSignal): Promise<void> | undefined
}

// Keyed by the call's signal, which reaches the resolver unchanged. The input may not: its schema
// may drop properties.
const contexts = acrossCopies('call contexts', () => new WeakMap<AbortSignal, CallContext>())

/** Makes a call's context available to subscriptions that get the call's signal. */
export function setCallContext(signal: AbortSignal, context: CallContext): void {
  contexts.set(signal, context)
}

/** Forgets a call's context. */
export function clearCallContext(signal: AbortSignal): void {
  contexts.delete(signal)
}

/** Returns the context of the call to which a subscription's options belong. */
export function callContextOf(options: LiveOptions): CallContext | undefined {
  return options.signal && contexts.get(options.signal)
}
