import {
  createTRPCUntypedClient,
  type TRPCClientError,
  type TRPCLink,
  type TRPCUntypedClient,
} from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { createInbox } from './inbox.ts'

/** One event that an app gets from a subscription's handlers. */
export type News = readonly [event: string, detail?: unknown]

/** A subscription, as an app sees it. */
export interface Followed {
  /** Waits for the next news, and returns it. */
  next(): Promise<News>
  /** Waits for the next `count` news. */
  nextMany(count: number): Promise<News[]>
  /** All news so far. */
  readonly news: readonly News[]
  unsubscribe(): void
}

/** Handlers that a test adds to the recording ones, and the options of the call. */
export interface FollowOptions {
  readonly signal?: AbortSignal
  readonly context?: Record<string, unknown>
  readonly onData?: (data: unknown) => void
  readonly onStarted?: () => void
  readonly onError?: (error: TRPCClientError<AnyTRPCRouter>) => void
  readonly onComplete?: () => void
  readonly onConnectionStateChange?: (change: { readonly error: Error | null }) => void
}

/** Creates a client for a router without types. */
export function untypedClient(
  ...links: TRPCLink<AnyTRPCRouter>[]
): TRPCUntypedClient<AnyTRPCRouter> {
  return createTRPCUntypedClient({ links })
}

/**
 * Subscribes, and records everything that handlers get, in order. Errors are recorded as they are,
 * and states with their message.
 */
export function follow(
  client: TRPCUntypedClient<AnyTRPCRouter>,
  path: string,
  input?: unknown,
  { signal, context, ...handlers }: FollowOptions = {},
): Followed {
  const inbox = createInbox<News>()
  const subscription = client.subscription(path, input, {
    ...(signal && { signal }),
    context: { onGap: (gap: unknown) => inbox.put(['gap', gap]), ...context },
    onStarted() {
      inbox.put(['started'])
      handlers.onStarted?.()
    },
    onData(data) {
      inbox.put(['data', data])
      handlers.onData?.(data)
    },
    onError(error) {
      inbox.put(['error', error])
      handlers.onError?.(error)
    },
    onStopped: () => inbox.put(['stopped']),
    onComplete() {
      inbox.put(['complete'])
      handlers.onComplete?.()
    },
    onConnectionStateChange(change) {
      const { state, error } = change
      inbox.put(error ? [state, error.message] : [state])
      handlers.onConnectionStateChange?.(change)
    },
  })
  return {
    next: inbox.take,
    nextMany: inbox.takeMany,
    news: inbox.items,
    unsubscribe: () => subscription.unsubscribe(),
  }
}
