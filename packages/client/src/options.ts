import type { HTTPHeaders, Operation } from '@trpc/client'
import type {
  AnyTRPCRouter,
  inferTRPCClientTypes,
  TRPCCombinedDataTransformer,
  TRPCDataTransformer,
} from '@trpc/server'
import { type Clock, type GapReason, RealtimeError, systemClock } from '@trpc-sse/protocol'
import { type Fetch, globalFetch } from './fetch.ts'
import { defaultRetryPolicy, type RetryPolicy } from './retry.ts'
import type { StreamSettings } from './stream.ts'

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
  /** Why: the log no longer keeps them, or it is another log than before. */
  readonly reason: GapReason
}

/** Says whose handler failed where nobody else would hear of it. */
export interface SseLinkErrorInfo {
  /** The handler that threw. */
  readonly stage: 'onGap' | 'onError' | 'onComplete'
  /** The procedure's path. */
  readonly path: string
}

/** The options of `sseLink` that don't depend on the router. */
export interface SseLinkBaseOptions {
  /** The address of the tRPC endpoint; a function is asked before every attempt. */
  readonly url: string | URL | (() => MaybePromise<string | URL>)
  /** Headers to send; a function is asked before every attempt, so that a token is never stale. */
  readonly headers?: HTTPHeaders | ((opts: { readonly op: Operation }) => MaybePromise<HTTPHeaders>)
  /**
   * What `createContext` gets as `info.connectionParams`; a function is asked before every attempt.
   * Prefer `headers`: these end up in the address, and so in logs.
   */
  readonly connectionParams?: ConnectionParams | (() => MaybePromise<ConnectionParams>)
  /**
   * Is told once when events can't be had any more, at the place where they are missing. A single subscription
   * can have its own, in its `context`: `subscribe(input, { context: { onGap } })`; then both are told.
   */
  readonly onGap?: (gap: SseGap) => unknown
  /**
   * Is told what `onGap`, a subscription's `onError` or its `onComplete` throws. It stops no subscription.
   *
   * @default `reportError`, or where there is none an uncaught exception
   */
  readonly onError?: (error: unknown, info: SseLinkErrorInfo) => void
  /**
   * How long to wait before another attempt, in milliseconds: a random time up to `baseMs`, doubled with every
   * failure in a row up to `maxMs`. What the server asks for is waited on top of that, but no more than 5 minutes.
   *
   * @default { baseMs: 250, maxMs: 30_000 }
   */
  readonly retry?: Partial<RetryPolicy>
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
   * Sends the requests. It must give a `Response` whose body can be read while it arrives.
   *
   * @default `globalThis.fetch`, as it is at the time of each request
   */
  readonly fetch?: Fetch
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
export type SseLinkOptions<TRouter extends AnyTRPCRouter> = SseLinkBaseOptions & TransformerOption<TRouter>

/** A process that has nothing to do but to wait for the next attempt must not end for that: its timers count. */
const waitingClock: Clock = {
  ...systemClock,
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Fills in the defaults. Throws `INVALID_OPTION` for a time that is none. */
export function streamSettings(options: SseLinkBaseOptions): StreamSettings {
  const { connectTimeoutMs = 15_000, inactivityTimeoutMs } = options
  const retry = { ...defaultRetryPolicy, ...options.retry }
  checkTimes({
    connectTimeoutMs,
    inactivityTimeoutMs,
    'retry.baseMs': retry.baseMs,
    'retry.maxMs': retry.maxMs,
  })
  return {
    clock: options.clock ?? waitingClock,
    fetch: options.fetch ?? globalFetch,
    retry,
    connectTimeoutMs,
    inactivityTimeoutMs,
  }
}

function checkTimes(times: Readonly<Record<string, number | undefined>>): void {
  for (const [name, ms] of Object.entries(times)) {
    if (ms === undefined || ms > 0) continue
    throw new RealtimeError('INVALID_OPTION', `${name} is ${ms}: give a number of milliseconds above 0.`)
  }
}
