import type { Operation } from '@trpc/client'
import type { CheckedRetry } from '../stream/retry-policy.ts'
import type { Wanted } from '../wire/request.ts'

/** A subscription that the app wants. */
export interface WantedCall extends Wanted {
  readonly op: Operation
  /** Whether it has failed recently. New credentials may then be the fix. */
  readonly hasFailed: boolean
  /** Replaces the link's retry. */
  readonly retry: CheckedRetry | undefined
}

/** Returns the identity that all equal subscriptions share. */
export function identityOf({ path, inputJson }: Pick<Wanted, 'path' | 'inputJson'>): string {
  return JSON.stringify([path, inputJson])
}
