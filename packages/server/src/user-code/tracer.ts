import {
  type Clock,
  type DeliveryCount,
  systemClock,
  type Trace,
  type TraceFacts,
  type TraceStep,
} from '@trpc-sse/protocol'
import { isPromiseLike } from './calls.ts'
import { FailureLog } from './failure-log.ts'

/** The name of the channel of `node:diagnostics_channel` on which every step is published. */
export const diagnosticsName = 'trpc-sse:trace'

// `node:diagnostics_channel`, which Node, Bun, Deno and workerd have. It isn't imported, because
// bundles for edge runtimes would then fail to build.
interface Diagnostics {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

interface Runtime {
  readonly process?: {
    getBuiltinModule?(id: string): { channel(name: string): Diagnostics } | undefined
  }
}

const diagnostics = (globalThis as Runtime).process
  ?.getBuiltinModule?.('node:diagnostics_channel')
  ?.channel(diagnosticsName)

/** Reports steps to the app's `trace` and to the subscribers of `node:diagnostics_channel`. */
export class Tracer {
  readonly #trace: Trace | undefined
  readonly #failures: FailureLog
  #watchers: ReadonlySet<Trace> | undefined

  constructor(trace: Trace | undefined, clock: Clock = systemClock) {
    this.#trace = trace
    this.#failures = new FailureLog('trpc-sse: trace failed', clock)
  }

  /** Whether anybody wants steps. Ask before you collect the facts, which would cost time. */
  get isOn(): boolean {
    return (
      this.#trace !== undefined ||
      this.#watchers !== undefined ||
      diagnostics?.hasSubscribers === true
    )
  }

  /** Whether each delivery is reported as `sent`. */
  get reportsSent(): boolean {
    return (
      (this.#trace !== undefined && !this.#trace.countOf) ||
      this.#watchers !== undefined ||
      diagnostics?.hasSubscribers === true
    )
  }

  /** Returns the count of a procedure's deliveries, if the app's `trace` counts them. */
  countOf(path: string): DeliveryCount | undefined {
    try {
      return this.#trace?.countOf?.(path)
    } catch (error) {
      this.#failures.add(error)
      return undefined
    }
  }

  /** Adds a delivery to a count, which is the app's object: it may throw. */
  add(count: DeliveryCount, bytes: number): void {
    try {
      count.events += 1
      count.bytes += bytes
    } catch (error) {
      this.#failures.add(error)
    }
  }

  /** Calls `watcher`, which must not throw, at each step. Returns a function that ends this. */
  watch(watcher: Trace): () => void {
    this.#watchers = new Set([...(this.#watchers ?? []), watcher])
    return () => {
      const others = [...(this.#watchers ?? [])].filter((other) => other !== watcher)
      this.#watchers = others.length > 0 ? new Set(others) : undefined
    }
  }

  /**
   * Reports a step. Call it last: the functions that it calls may end the subscription that it is
   * about, or close everything.
   */
  report<TStep extends TraceStep>(step: TStep, facts: TraceFacts[TStep]): void {
    try {
      // A function that counts deliveries would count this one twice.
      const isCounted = step === 'sent' && this.#trace?.countOf !== undefined
      const result = isCounted ? undefined : this.#trace?.(step, facts)
      if (isPromiseLike(result)) result.then(undefined, this.#failures.add)
    } catch (error) {
      this.#failures.add(error)
    }
    if (this.#watchers) for (const watcher of this.#watchers) watcher(step, facts)
    if (diagnostics?.hasSubscribers) diagnostics.publish({ step, facts })
  }
}

const keyParts = /^(~\w*)?(?:\[("(?:[^"\\]|\\.)*"))?/

/**
 * Returns the name of a channel from the key of its log. Internal logs start with `~`, such as
 * `~presence:room`.
 */
export function channelOf(logKey: string): string {
  const [, prefix, name] = keyParts.exec(logKey) ?? []
  if (name === undefined) return prefix ?? ''
  return prefix === undefined ? JSON.parse(name) : `${prefix}:${JSON.parse(name)}`
}
