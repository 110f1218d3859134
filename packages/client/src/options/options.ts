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

/** Events that can't be had any more. What follows in the subscription is contiguous again. */
export interface SseGap {
  /** The procedure's path. */
  readonly path: string
  /** The subscription's input. */
  readonly input: unknown
  /** The last event before the gap. */
  readonly lastEventId: string
  /**
   * Why: the log no longer keeps them (`trimmed`), it is another log than before (`reset`), or the subscription was too far
   * behind, and its channel goes on at the newest event then (`skipped`).
   */
  readonly reason: GapReason
}

/** Says whose handler failed where nobody else would hear of it. */
export interface SseLinkErrorInfo {
  /** The handler that threw. */
  readonly stage: 'onGap' | 'onError' | 'onComplete'
  /** The procedure's path. */
  readonly path: string
}

/** What a request is for, as a function of `headers` is told. */
export interface SseHeadersOptions {
  /** The subscription; of several, the one that has been there for longest. */
  readonly op: Operation
  /** All subscriptions of the request, as `httpBatchLink` has them. In single mode, that one. */
  readonly opList: [Operation, ...Operation[]]
}

/** Says that a server doesn't know multiplexed mode. */
export interface SseFallback {
  /** The server's answer: 404, 405 or 415. */
  readonly status: number
  /** What to say of it. */
  readonly message: string
}

/** What a single subscription can have in its `context`: `subscribe(input, { context })`. */
export interface SseCallContext {
  /**
   * The id to resume from. It goes before the id in the input, and before a kept one; `''` starts without any.
   *
   * @default the `lastEventId` in the input, else what `persist` has kept
   */
  readonly lastEventId?: string
  /**
   * Called with every gap of this subscription, beside the link's `onGap`.
   *
   * @default only the link's
   */
  readonly onGap?: (gap: SseGap) => unknown
  /**
   * Used in place of the link's `retry`. With `false`, a failure ends this subscription: give it where starting the
   * procedure again would repeat side effects. On a connection that several subscriptions share, the others go on. Such
   * a connection is retried as the link's `retry` says; a wait of this one comes on top for this subscription only.
   * Subscriptions share an equal one on the wire only if they have the same `retry`.
   *
   * @default the link's
   */
  readonly retry?: RetryOption
}

/** The options of `sseLink` that don't depend on the router. */
export interface SseLinkBaseOptions {
  /**
   * `multiplexed` has one connection for all subscriptions of the link, `single` one for each, in tRPC's own
   * protocol. A server that doesn't know the first gets the second by itself.
   *
   * @default 'multiplexed', or 'single' with an `EventSource`
   */
  readonly mode?: 'multiplexed' | 'single'
  /** The address of the tRPC endpoint; a function is asked before every request. */
  readonly url: string | URL | (() => MaybePromise<string | URL>)
  /** Headers to send; a function is asked before every request, so that a token is never stale. */
  readonly headers?: HTTPHeaders | ((opts: SseHeadersOptions) => MaybePromise<HTTPHeaders>)
  /**
   * What `createContext` gets as `info.connectionParams`; a function is asked before every request.
   * Prefer `headers`: these end up in the address, and so in logs.
   */
  readonly connectionParams?: ConnectionParams | (() => MaybePromise<ConnectionParams>)
  /**
   * Is told once when events can't be had any more, at the place where they are missing. A single subscription
   * can have its own, in its `context`: `subscribe(input, { context: { onGap } })`; then both are told.
   *
   * @default `console.warn`, once per subscription
   */
  readonly onGap?: (gap: SseGap) => unknown
  /**
   * Is told what `onGap`, a subscription's `onError` or its `onComplete` throws. It stops no subscription.
   *
   * @default `reportError`, or where there is none an uncaught exception
   */
  readonly onError?: (error: unknown, info: SseLinkErrorInfo) => void
  /**
   * When a failure is retried. `{ baseMs, maxMs }` waits a random time up to `baseMs` milliseconds, doubled with every
   * failure in a row up to `maxMs`. A function returns the wait in milliseconds, or `false`. With `false`, a failure
   * ends the subscription with its error. A single subscription can have its own, in its `context`:
   * `subscribe(input, { context: { retry: false } })`; see {@link SseCallContext}.
   *
   * What the server asks for (`Retry-After`, `retry:`) is waited on top of a back-off, and at least where a function
   * returns less; never more than 5 minutes. While the device is offline, attempts wait. A function that throws, or
   * returns anything else, ends the subscription with that error or `INVALID_OPTION`.
   *
   * @default { baseMs: 250, maxMs: 30_000 }
   */
  readonly retry?: RetryOption
  /**
   * How long an attempt may take until the stream is open, in milliseconds. `Infinity` waits for ever.
   *
   * @default 15_000
   */
  readonly connectTimeoutMs?: number
  /**
   * After how much silence a stream is taken for dead, in milliseconds. `Infinity` never does.
   *
   * @default what the server announces; never if it announces nothing
   */
  readonly inactivityTimeoutMs?: number
  /**
   * How long a page may be hidden until its connection is let go, in milliseconds. When it is shown again,
   * every subscription goes on where it stood. `Infinity` keeps it.
   *
   * @default Infinity
   */
  readonly hiddenTimeoutMs?: number
  /**
   * How long a subscription that nobody wants any more is kept on the connection, in milliseconds: a component
   * that is mounted again right away finds it as it was. Multiplexed mode only.
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
   * Keeps the last event ids of running subscriptions over a reload, so that what happens in between arrives:
   * `sessionStorage`, or anything of that shape. At most 100 subscriptions, by address, path and input; cleared
   * when a subscription is complete or unsubscribed. A storage that fails or has something else in it is harmless. A single
   * subscription starts without a kept id if its `context` has an empty one: `{ context: { lastEventId: '' } }`.
   *
   * @default nothing is kept
   */
  readonly persist?: PersistStorage
  /**
   * How long an id in `persist` is good for, in milliseconds.
   *
   * @default 3_600_000 (an hour)
   */
  readonly persistForMs?: number
  /**
   * Is told once if the server doesn't know multiplexed mode, and single mode is used.
   *
   * @default `console.warn` of the message
   */
  readonly onFallback?: (fallback: SseFallback) => void
  /**
   * What the link knows of the device it runs on, for tests and for runtimes without the events of browsers.
   *
   * @default the page's `online`, `visibilitychange`, `pagehide` and `pageshow` events, where there is a page
   */
  readonly device?: Device
  /**
   * Sends the requests. It must give a `Response` whose body can be read while it arrives.
   *
   * @default `globalThis.fetch`, as it is at the time of each request
   */
  readonly fetch?: Fetch
  /**
   * Receives events where no `fetch` gives them while they arrive, as in React Native: a class like the browser's `EventSource`,
   * which is closed at its first error. Each subscription has a connection of its own then, as in single mode, and
   * `fetch` and web streams are not used. Whether it sends `headers` is up to it: a browser's does not.
   *
   * @default none: `fetch` is used
   */
  readonly EventSource?: EventSourceConstructor
  /**
   * What `EventSource` is given beside the address, with `headers` added: `{ withCredentials: true }`, for example.
   *
   * @default {}
   */
  readonly eventSourceOptions?: Readonly<Record<string, unknown>>
  /**
   * Time and chance, for tests.
   *
   * @default the system's
   */
  readonly clock?: Clock
}

/** What `createContext` can be given beside headers. */
export type ConnectionParams = Readonly<Record<string, string>> | null

/** The transformer: the one that the router was made with if it has one, else none. */
export type TransformerOption<TRouter extends AnyTRPCRouter> =
  inferTRPCClientTypes<TRouter>['transformer'] extends true
    ? {
        /** The transformer that `initTRPC.create` was given. */
        readonly transformer: TRPCDataTransformer | TRPCCombinedDataTransformer
      }
    : {
        /** The router has no transformer: give `initTRPC.create` one first. */
        readonly transformer?: never
      }

/** The options of `sseLink`. */
export type SseLinkOptions<TRouter extends AnyTRPCRouter> = SseLinkBaseOptions &
  TransformerOption<TRouter>
