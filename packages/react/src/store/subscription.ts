import type { SseGap } from '@trpc-sse/client'
import type { TrackedValue } from './live-values.ts'

/** A change of a subscription's connection, as tRPC's clients tell it. */
export interface ConnectionStateChange<TError> {
  readonly state: 'idle' | 'connecting' | 'pending'
  /** Why, if something failed. */
  readonly error: TError | null
}

/** What `useLive` subscribes with. */
export interface LiveHandlers<TValue, TError> {
  /** `sseLink` says in the context whether the subscription is a live one; other links say nothing. */
  readonly onStarted: (started?: {
    readonly context?: { readonly live?: unknown } | undefined
  }) => void
  readonly onData: (value: TrackedValue<TValue>) => void
  readonly onError: (error: TError) => void
  readonly onConnectionStateChange: (change: ConnectionStateChange<TError>) => void
  /** What `sseLink` finds in the context of the call: where to start, and whom to tell of gaps. Other links ignore it. */
  readonly context: {
    /** Empty for a start of its own. */
    readonly lastEventId: string
    readonly onGap: (gap: SseGap) => void
  }
}

/** A subscription as `trpc.x.subscriptionOptions(input)` of `@trpc/tanstack-react-query` describes it. Its values are tracked. */
export interface LiveSubscription<TValue, TError> {
  /**
   * Whether to subscribe.
   *
   * @default true
   */
  readonly enabled?: boolean
  /** Names the subscription: with another key, another one begins. */
  readonly queryKey: readonly unknown[]
  /** Subscribes. */
  subscribe(handlers: LiveHandlers<TValue, TError>): { unsubscribe(): void }
  /** Is told, beside `useLive`. */
  onStarted?(): void
  /** Is told of each value, beside `useLive`. */
  onData?(value: TrackedValue<TValue>): void
  /** Is told, beside `useLive`. */
  onError?(error: TError): void
  /** Is told, beside `useLive`. */
  onConnectionStateChange?(change: ConnectionStateChange<TError>): void
}
