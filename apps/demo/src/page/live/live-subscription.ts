import type { LiveHandlers, LiveSubscription } from '@trpc-sse/react'

/** What {@link liveSubscription} subscribes to. */
export interface LiveSubscriptionOptions<TInput, TItem> {
  /** The procedure's path. */
  readonly path: string
  readonly procedure: {
    subscribe(input: TInput, handlers: LiveHandlers<TItem, unknown>): { unsubscribe(): void }
  }
  readonly input: TInput
  readonly enabled?: boolean
}

/**
 * Describes a subscription for `useLive`, as `subscriptionOptions` does in an app with TanStack
 * Query.
 */
export function liveSubscription<TInput, TItem>({
  path,
  procedure,
  input,
  enabled = true,
}: LiveSubscriptionOptions<TInput, TItem>): LiveSubscription<TItem, unknown> {
  return {
    queryKey: [path, input],
    enabled,
    subscribe: (handlers) => procedure.subscribe(input, handlers),
  }
}
