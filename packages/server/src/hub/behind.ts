import type { WindowLimits } from './window.ts'

/** The action for a subscription that is too far behind. */
export type BehindPolicy = 'catchUp' | 'latest' | 'disconnect' | 'fold'

/** The maximum lag of a subscription, and the action beyond that. */
export interface Behind {
  readonly policy: BehindPolicy
  /** The maximum lag, in events. */
  readonly events: number
}

/** The minimum number of events that a hub opens with: a quick reconnect needs no read. */
const leastPrefill = 64

/** The number of events to open with. For `latest`, the window must show each reader's lag. */
export function prefillOf({ policy, events }: Behind, window: WindowLimits): number {
  if (policy !== 'latest') return leastPrefill
  return Math.max(leastPrefill, Math.min(events, window.events))
}
