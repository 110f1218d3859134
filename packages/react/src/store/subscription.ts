import type { SseGap } from '@trpc-sse/client'
import type { TrackedValue } from './live-values.ts'

/** A change of a subscription's connection, as tRPC's clients report it. */
export interface ConnectionStateChange<TError> {
  readonly state: 'idle' | 'connecting' | 'pending'
  /** The reason, if something failed. */
  readonly error: TError | null
}

/** The handlers that `useLive` subscribes with. */
export interface LiveHandlers<TValue, TError> {
  /** `sseLink` sets `live` in the context: whether the subscription is live. Other links don't. */
  readonly onStarted: (started?: {
    readonly context?: { readonly live?: unknown } | undefined
  }) => void
  readonly onData: (value: TrackedValue<TValue>) => void
  readonly onError: (error: TError) => void
  readonly onConnectionStateChange: (change: ConnectionStateChange<TError>) => void
  /** Read by `sseLink` from the context of the call. Other links ignore it. */
  readonly context: {
    /** The position to start after; empty to start where the procedure does. */
    readonly lastEventId: string
    readonly onGap: (gap: SseGap) => void
  }
}

/**
 * A tracked subscription, as `trpc.x.subscriptionOptions(input)` of `@trpc/tanstack-react-query`
 * describes it.
 */
export interface LiveSubscription<TValue, TError> {
  /**
   * Whether to subscribe.
   *
   * @default true
   */
  readonly enabled?: boolean
  /** Identifies the subscription: a new key starts a new one. */
  readonly queryKey: readonly unknown[]
  /** Subscribes. */
  subscribe(handlers: LiveHandlers<TValue, TError>): { unsubscribe(): void }
  /** Called when the subscription has started. */
  onStarted?(): void
  /** Called with each value, after `useLive` has applied it. */
  onData?(value: TrackedValue<TValue>): void
  /** Called when the subscription has failed for good. */
  onError?(error: TError): void
  /** Called on each change of the connection. */
  onConnectionStateChange?(change: ConnectionStateChange<TError>): void
}
