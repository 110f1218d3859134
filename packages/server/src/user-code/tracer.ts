import type { Trace, TraceFacts, TraceStep } from '@trpc-sse/protocol'
import { isPromiseLike, logToConsole } from './calls.ts'

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

  constructor(trace: Trace | undefined) {
    this.#trace = trace
  }

  /** Whether anybody wants steps. Ask before you collect the facts, which would cost time. */
  get isOn(): boolean {
    return this.#trace !== undefined || diagnostics?.hasSubscribers === true
  }

  /** Reports a step. */
  report<TStep extends TraceStep>(step: TStep, facts: TraceFacts[TStep]): void {
    try {
      const result = this.#trace?.(step, facts)
      if (isPromiseLike(result)) result.then(undefined, onFailure)
    } catch (error) {
      onFailure(error)
    }
    if (diagnostics?.hasSubscribers) diagnostics.publish({ step, facts })
  }
}

function onFailure(error: unknown): void {
  logToConsole('trpc-sse: trace failed', error)
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
