import type { Operation } from '@trpc/client'
import type { CheckedRetry } from '../stream/retry-policy.ts'
import type { Wanted } from '../wire/request.ts'

/** A subscription that the app wants. */
export interface WantedCall extends Wanted {
  readonly op: Operation
  /**
   * Whether it has failed a while ago: what the app now says of the client may be what was wrong.
   */
  readonly hasFailed: boolean
  /** Used in place of the link's. */
  readonly retry: CheckedRetry | undefined
}

/** Returns what all equal subscriptions have in common. */
export function identityOf({ path, inputJson }: Pick<Wanted, 'path' | 'inputJson'>): string {
  return JSON.stringify([path, inputJson])
}
