import type { Clock, RealtimeError } from '@trpc-sse/protocol'
import type { SetOptions, SubscriptionSet } from '../set/set.ts'

/**
 * What this folder needs of the rest of the link. It is given, not imported, so that a bundler has no reason to cut
 * the link in pieces: all of this folder is one file that is loaded when it is used.
 */
export interface TabsTools {
  readonly createSet: (options: SetOptions) => SubscriptionSet
  readonly shortHash: (text: string) => string
  readonly elapsedTime: (clock: Clock) => () => number
  readonly RealtimeError: typeof RealtimeError
}
