import type { Operation, OperationResultEnvelope, TRPCClientError, TRPCLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import type { Trace, TracedEvent, TraceFacts, TraceStep } from '@trpc-sse/protocol'
import { reportUncaught } from '../trpc/report-uncaught.ts'

type Envelope = OperationResultEnvelope<unknown, TRPCClientError<AnyTRPCRouter>>

/**
 * Creates a link that traces subscriptions: `started`, `received`, `delivered`, `gap`,
 * `reconnecting` and `failed`. Put it before `sseLink`, with which it shares nothing else: an app
 * without it pays nothing.
 *
 * What `trace` throws, or rejects with, is reported like an uncaught error. Events continue.
 */
export function traceLink<TRouter extends AnyTRPCRouter>(trace: Trace): TRPCLink<TRouter> {
  return () =>
    ({ op, next }) => {
      if (op.type !== 'subscription') return next(op)
      const tracer = new CallTracer(trace, op)
      return observable((observer) =>
        next({ ...op, context: tracer.context() }).subscribe({
          next(envelope) {
            const event = tracer.received(envelope)
            observer.next(envelope)
            if (event) tracer.report('delivered', event)
          },
          error(error) {
            tracer.report('failed', { ...tracer.call, error })
            observer.error(error)
          },
          complete: () => observer.complete(),
        }),
      )
    }
}

/** Reports the steps of one subscription. */
class CallTracer {
  readonly call: { readonly path: string; readonly input: unknown }
  readonly #subscribedAt = Date.now()
  readonly #trace: Trace
  readonly #op: Operation

  constructor(trace: Trace, op: Operation) {
    this.#trace = trace
    this.#op = op
    this.call = { path: op.path, input: op.input }
  }

  /** Returns the context of the call, with a handler that also traces gaps. */
  context(): Operation['context'] {
    const { context } = this.#op
    const { onGap } = context
    return {
      ...context,
      onGap: (gap: TraceFacts['gap']) => {
        this.report('gap', { ...gap })
        return typeof onGap === 'function' ? onGap(gap) : undefined
      },
    }
  }

  /** Reports an envelope. Returns the facts of its event, if it has one. */
  received({ result }: Envelope): TracedEvent | undefined {
    if (result.type === 'data' || result.type === undefined) {
      // tRPC wraps the value of a tracked event.
      const { id, data } = result
      const event = {
        ...this.call,
        subscribedAt: this.#subscribedAt,
        id,
        data: id === undefined ? data : Object(data).data,
      }
      this.report('received', event)
      return event
    }
    if (result.type === 'started') this.report('started', { ...this.call, lastEventId: undefined })
    else if (result.type === 'state' && result.error)
      this.report('reconnecting', { ...this.call, error: result.error })
    return undefined
  }

  report<TStep extends TraceStep>(step: TStep, facts: TraceFacts[TStep]): void {
    const settled = async (): Promise<unknown> => this.#trace(step, facts)
    settled().catch(reportUncaught)
  }
}
