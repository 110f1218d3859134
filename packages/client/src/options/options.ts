import type { HTTPHeaders, Operation } from '@trpc/client'
import type {
  AnyTRPCRouter,
  inferTRPCClientTypes,
  TRPCCombinedDataTransformer,
  TRPCDataTransformer,
} from '@trpc/server'
import type { Clock, GapReason } from '@trpc-sse/protocol'
import type { PersistStorage } from '../set/positions.ts'
import type { Device } from '../stream/device.ts'
import type { RetryOption } from '../stream/retry-policy.ts'
import type { EventSourceConstructor } from '../transport/event-source.ts'
import type { Fetch } from '../transport/fetch.ts'
import type { TabSharing } from './tab-sharing.ts'

/** A value, or a promise of it. */
export type MaybePromise<TValue> = TValue | Promise<TValue>

/** Reports events that are no longer available. The events after them are contiguous again. */
export interface SseGap {
  /** The procedure's path. */
  readonly path: string
  /** The subscription's input. */
  readonly input: unknown
  /** The last event before the gap. */
  readonly lastEventId: string
  /**
   * Why they are missing. `trimmed`: the log no longer keeps them. `reset`: it is another log than
   * before. `skipped`: the subscription was too far behind, and its channel skips to the newest
   * event.
   */
  readonly reason: GapReason
}

/** Names the handler that failed. */
export interface SseLinkErrorInfo {
  /** The handler that threw. */
  readonly stage: 'onGap' | 'onError' | 'onComplete'
  /** The procedure's path. */
  readonly path: string
}

/** The argument of a `headers` function: the subscriptions of the request. */
export interface SseHeadersOptions {
  /** The subscription, or the oldest if there are several. */
  readonly op: Operation
  /** All subscriptions of the request, as in `httpBatchLink`. In single mode there is one. */
  readonly opList: [Operation, ...Operation[]]
}

/** Reports that a server doesn't know multiplexed mode. */
export interface SseFallback {
  /** The server's answer: 404, 405 or 415. */
  readonly status: number
  /** A message for a developer. */
  readonly message: string
}

/** Settings of a single subscription, in its `context`: `subscribe(input, { context })`. */
export interface SseCallContext {
  /**
   * The id to resume from. It takes precedence over the id in the input and over a persisted one.
   * `''` starts without an id.
   *
   * @default the `lastEventId` in the input, otherwise the id that `persist` has kept
   */
  readonly lastEventId?: string
  /**
   * Called with every gap of this subscription, in addition to the link's `onGap`.
   *
   * @default only the link's
   */
  readonly onGap?: (gap: SseGap) => unknown
  /**
   * Replaces the link's `retry` for this subscription. With `false`, a failure ends it: use that if
   * starting the procedure again would repeat side effects. Other subscriptions on a shared
   * connection continue. A shared connection is retried as the link's `retry` says, and this
   * subscription then waits in addition. Equal subscriptions are one on the wire only if they have
   * the same `retry`.
   *
   * @default the link's
   */
  readonly retry?: RetryOption
}

/** The options of `sseLink` that don't depend on the router. */
export interface SseLinkBaseOptions {
  /**
   * `multiplexed` uses one connection for all subscriptions of the link. `single` uses one for
   * each, in tRPC's own protocol. If the server doesn't know multiplexed mode, the link switches to
   * single mode by itself.
   *
   * @default 'multiplexed', or 'single' with an `EventSource`
   */
  readonly mode?: 'multiplexed' | 'single'
  /** The address of the tRPC endpoint; a function is called before every request. */
  readonly url: string | URL | (() => MaybePromise<string | URL>)
  /** Headers to send; a function is called before every request, so that a token is never stale. */
  readonly headers?: HTTPHeaders | ((opts: SseHeadersOptions) => MaybePromise<HTTPHeaders>)
  /**
   * Passed to `createContext` as `info.connectionParams`; a function is called before every
   * request. Prefer `headers`: connection params are part of the address, and appear in logs.
   */
  readonly connectionParams?: ConnectionParams | (() => MaybePromise<ConnectionParams>)
  /**
   * Called once when events are no longer available, at the place where they are missing. A single
   * subscription can have its own, in its `context`: `subscribe(input, { context: { onGap } })`.
   * Both are then called.
   *
   * @default `console.warn`, once per subscription
   */
  readonly onGap?: (gap: SseGap) => unknown
  /**
   * Called with errors thrown by `onGap`, or by a subscription's `onError` or `onComplete`. They
   * stop no subscription.
   *
   * @default `reportError`; in runtimes without it, an uncaught exception
   */
  readonly onError?: (error: unknown, info: SseLinkErrorInfo) => void
  /**
   * Decides when a failure is retried. `{ baseMs, maxMs }` waits a random time up to `baseMs`
   * milliseconds, doubled with every failure in a row up to `maxMs`. A function returns the wait in
   * milliseconds, or `false`. With `false`, a failure ends the subscription with its error. A
   * single subscription can have its own, in its `context`:
   * `subscribe(input, { context: { retry: false } })`; see {@link SseCallContext}.
   *
   * A wait that the server requests (`Retry-After`, `retry:`) is added to the back-off. If a
   * function returns less than that wait, the wait counts. It is at most 5 minutes. While the
   * device is offline, attempts wait. A function that throws, or returns anything else, ends the
   * subscription with that error or `INVALID_OPTION`.
   *
   * @default { baseMs: 250, maxMs: 30_000 }
   */
  readonly retry?: RetryOption
  /**
   * How long an attempt may take until the stream is open, in milliseconds. `Infinity` waits
   * forever.
   *
   * @default 15_000
   */
  readonly connectTimeoutMs?: number
  /**
   * The silence after which a stream is considered dead, in milliseconds. `Infinity` means never.
   *
   * @default the time that the server announces; never if it announces none
   */
  readonly inactivityTimeoutMs?: number
  /**
   * How long a page may be hidden before its connection is closed, in milliseconds. When the page
   * is shown again, every subscription resumes from its position. `Infinity` keeps the connection.
   *
   * @default Infinity
   */
  readonly hiddenTimeoutMs?: number
  /**
   * How long a subscription is kept on the connection after its last subscriber has left, in
   * milliseconds. A component that is mounted again right away gets it back unchanged. Multiplexed
   * mode only.
   *
   * @default 250
   */
  readonly lingerMs?: number
  /**
   * Shares one connection among all tabs of the same origin and user: `tabs()`, imported from
   * `@trpc-sse/client/tabs`. Multiplexed mode only.
   *
   * @default false
   */
  readonly shareAcrossTabs?: TabSharing | false
  /**
   * Keeps the last event ids of running subscriptions over a reload, so that events in between
   * arrive: `sessionStorage`, or anything of that shape. It keeps at most 100 subscriptions, by
   * address, path and input. An id is cleared when its subscription is complete or unsubscribed. A
   * storage that fails, or has other contents, does no harm. To start a single subscription without
   * a kept id, set an empty one in its `context`: `{ lastEventId: '' }`.
   *
   * @default nothing is kept
   */
  readonly persist?: PersistStorage
  /**
   * How long an id in `persist` is valid, in milliseconds.
   *
   * @default 3_600_000 (an hour)
   */
  readonly persistForMs?: number
  /**
   * Called once if the server doesn't know multiplexed mode, and single mode is used.
   *
   * @default `console.warn` of the message
   */
  readonly onFallback?: (fallback: SseFallback) => void
  /**
   * The device that the link runs on, for tests and for runtimes without a browser's events.
   *
   * @default the page's `online`, `visibilitychange`, `pagehide` and `pageshow` events, if there is
   * a page
   */
  readonly device?: Device
  /**
   * Sends the requests. It must return a `Response` whose body can be read while it arrives.
   *
   * @default `globalThis.fetch`, as it is at the time of each request
   */
  readonly fetch?: Fetch
  /**
   * A class like the browser's `EventSource`, to receive events where `fetch` can't stream, as in
   * React Native. It is closed at its first error. Each subscription then has its own connection,
   * as in single mode; `fetch` and web streams are not used. The class decides whether it sends
   * `headers`: a browser's doesn't.
   *
   * @default none: `fetch` is used
   */
  readonly EventSource?: EventSourceConstructor
  /**
   * Options of the `EventSource`, to which `headers` are added: `{ withCredentials: true }`, for
   * example.
   *
   * @default {}
   */
  readonly eventSourceOptions?: Readonly<Record<string, unknown>>
  /**
   * Time and randomness, for tests.
   *
   * @default the system's
   */
  readonly clock?: Clock
}

/** Values for `createContext`, in addition to headers. */
export type ConnectionParams = Readonly<Record<string, string>> | null

/** Requires the router's transformer if the router has one, and forbids one otherwise. */
export type TransformerOption<TRouter extends AnyTRPCRouter> =
  inferTRPCClientTypes<TRouter>['transformer'] extends true
    ? {
        /** The transformer that was passed to `initTRPC.create`. */
        readonly transformer: TRPCDataTransformer | TRPCCombinedDataTransformer
      }
    : {
        /** The router has no transformer. To use one, pass it to `initTRPC.create` first. */
        readonly transformer?: never
      }

/** The options of `sseLink`. */
export type SseLinkOptions<TRouter extends AnyTRPCRouter> = SseLinkBaseOptions &
  TransformerOption<TRouter>
