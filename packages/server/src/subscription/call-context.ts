import { acrossCopies } from '../shared-state.ts'
import type { Gap } from './feed.ts'
import type { LiveOptions } from './options.ts'

/** What a subscription needs of the procedure call that serves it. */
export interface CallContext {
  /** The id that the client resumes from. */
  readonly lastEventId: string | undefined
  /**
   * Tells the client the position of a subscription that has no event yet: a resume starts there.
   */
  sendPosition(lastEventId: string): void
  /** Tells the client about a gap. */
  sendGap(gap: Gap): void
  /** Waits for the turn to load a snapshot; `undefined` if it is now. */
  turn(signal: AbortSignal): Promise<void> | undefined
}

// A call's signal reaches the resolver unchanged, whatever parts of the input its schema drops.
const contexts = acrossCopies('call contexts', () => new WeakMap<AbortSignal, CallContext>())

/** Makes a call's context available to subscriptions that get the call's signal. */
export function setCallContext(signal: AbortSignal, context: CallContext): void {
  contexts.set(signal, context)
}

/** Forgets a call's context. */
export function clearCallContext(signal: AbortSignal): void {
  contexts.delete(signal)
}

/** Returns the context of the call that a subscription's options come from. */
export function callContextOf(options: LiveOptions): CallContext | undefined {
  return options.signal && contexts.get(options.signal)
}
