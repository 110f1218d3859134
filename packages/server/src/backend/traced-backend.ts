import {
  type Clock,
  type EventId,
  elapsedTime,
  type ReadCause,
  type TracedLog,
} from '@trpc-sse/protocol'
import { channelOf, type Tracer } from '../user-code/tracer.ts'
import type { Backend, ChannelLog } from './backend.ts'

/** The result of a call that stores events. */
interface StoreResult {
  readonly ids: readonly EventId[]
  readonly duplicate?: boolean
}

/** Returns the facts that name a log. */
export function tracedLog({ key }: ChannelLog): TracedLog {
  return { channel: channelOf(key), log: key }
}

/** Traces what a backend stores and reads. Costs one call while nobody traces. */
export function traceBackend(backend: Backend, tracer: Tracer, clock: Clock): Backend {
  const timing = new Timing(tracer, clock)
  const { notify, change, entries, interruptListeners } = backend
  return {
    append(log, payloads, options) {
      const call = (): ReturnType<Backend['append']> => backend.append(log, payloads, options)
      return tracer.isOn ? timing.store(log, payloads, call) : call()
    },
    read(log, range, options) {
      const call = (): ReturnType<Backend['read']> => backend.read(log, range, options)
      return tracer.isOn ? timing.read(log, options?.cause ?? 'query', call) : call()
    },
    clear: (log) => backend.clear(log),
    listen: (log, listener) => backend.listen(log, listener),
    close: () => backend.close(),
    ...(notify && { notify: (log, text) => notify.call(backend, log, text) }),
    ...(change && {
      change(log, what) {
        const call = (): ReturnType<typeof change> => change.call(backend, log, what)
        return tracer.isOn ? timing.store(log, what.payloads ?? [], call) : call()
      },
    }),
    ...(interruptListeners && { interruptListeners: () => interruptListeners.call(backend) }),
    ...(entries && { entries: (log, range) => entries.call(backend, log, range) }),
  }
}

/** Measures calls of a backend, and reports them. */
class Timing {
  readonly #tracer: Tracer
  readonly #elapsedMs: () => number

  constructor(tracer: Tracer, clock: Clock) {
    this.#tracer = tracer
    this.#elapsedMs = elapsedTime(clock)
  }

  async store<TResult extends StoreResult>(
    log: ChannelLog,
    payloads: readonly string[],
    call: () => Promise<TResult>,
  ): Promise<TResult> {
    const startedMs = this.#elapsedMs()
    const result = await call()
    const { ids, duplicate = false } = result
    // Changes of entries alone, such as a lease that is renewed, are no events.
    if (ids.length === 0) return result
    this.#tracer.report('stored', {
      ...tracedLog(log),
      ids: [...ids],
      duplicate,
      characters: payloads.reduce((sum, { length }) => sum + length, 0),
      tookMs: this.#elapsedMs() - startedMs,
    })
    return result
  }

  async read<TResult extends { readonly events: readonly unknown[] }>(
    log: ChannelLog,
    cause: ReadCause,
    call: () => Promise<TResult>,
  ): Promise<TResult> {
    const startedMs = this.#elapsedMs()
    const result = await call()
    const { length: events } = result.events
    const tookMs = this.#elapsedMs() - startedMs
    this.#tracer.report('read', { ...tracedLog(log), cause, events, tookMs })
    return result
  }
}
