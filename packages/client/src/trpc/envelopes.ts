import type { Operation, OperationResultEnvelope } from '@trpc/client'
import type { Observer } from '@trpc/server/observable'
import type { GapData } from '@trpc-sse/protocol'
import type { SseGap, SseLinkBaseOptions, SseLinkErrorInfo } from '../options/options.ts'
import type { Codec, Member, SubscriptionEnd } from '../set/member.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'
import { type ClientError, clientError } from './codec.ts'
import { reportUncaught } from './report-uncaught.ts'

/** tRPC's observer, to which a link reports a subscription. */
export type EnvelopeObserver = Observer<OperationResultEnvelope<unknown, ClientError>, ClientError>

/**
 * Reports one operation's subscription exactly as tRPC's own links do, in tRPC's envelopes. It
 * throws only the errors of the app's handlers, such as `onData` and `onStarted`.
 */
export class Envelopes implements Member {
  /** Set by the link when it starts the subscription. */
  single: Member['single'] = () => {}
  readonly #options: SseLinkBaseOptions
  readonly #codec: Codec
  readonly #op: Operation
  readonly #observer: EnvelopeObserver
  #hasWarned = false
  #unlisten = (): void => {}

  constructor(
    options: SseLinkBaseOptions,
    codec: Codec,
    op: Operation,
    observer: EnvelopeObserver,
  ) {
    this.#options = options
    this.#codec = codec
    this.#op = op
    this.#observer = observer
  }

  connecting(cause: unknown): void {
    const error = cause === undefined ? null : clientError(cause)
    this.#observer.next({ result: { type: 'state', state: 'connecting', error } })
  }

  started(_lastEventId: string | undefined, live: boolean | undefined): void {
    // `useLive` reads it from the argument of `onStarted`.
    this.#observer.next({
      result: { type: 'started' },
      ...(live !== undefined && { context: { live } }),
    })
    this.#observer.next({ result: { type: 'state', state: 'pending', error: null } })
  }

  receive(frame: SubscriptionFrame): SubscriptionEnd | undefined {
    if (frame.type === 'event') {
      const { id } = frame
      const data = this.#codec.event(JSON.parse(frame.data))
      this.#observer.next({ result: id ? { id, data: { id, data } } : { data } })
    } else if (frame.type === 'gap') this.#gap(frame)
    else if (frame.type === 'error') return this.#codec.error(frame.error)
    else if (frame.type === 'stopped') {
      this.stopped()
      return { type: 'end' }
    }
    return undefined
  }

  stopped(): void {
    this.#unlisten()
    this.#observer.next({ result: { type: 'stopped' } })
    this.#observer.next({ result: { type: 'state', state: 'idle', error: null } })
    this.complete()
  }

  failed(error: unknown): void {
    this.#unlisten()
    this.#guard('onError', () => this.#observer.error(clientError(error)))
  }

  /** The app has unsubscribed. */
  complete(): void {
    this.#unlisten()
    this.#guard('onComplete', () => this.#observer.complete())
  }

  /**
   * Calls `stop` when the app's signal aborts first. tRPC's links treat that like an end by the
   * server.
   */
  stopWhenAborted(stop: () => void): void {
    const { signal } = this.#op
    const onAbort = (): void => {
      try {
        stop()
        this.stopped()
      } catch (error) {
        this.failed(error)
      }
    }
    signal?.addEventListener('abort', onAbort)
    this.#unlisten = () => signal?.removeEventListener('abort', onAbort)
  }

  #gap({ lastEventId, reason }: GapData): void {
    const { path, input, context } = this.#op
    const gap: SseGap = { path, input, lastEventId, reason }
    const handlers = [this.#options.onGap, context.onGap].filter((one) => typeof one === 'function')
    if (handlers.length === 0) this.#warnOnce(gap)
    for (const onGap of handlers) this.#guard('onGap', () => onGap(gap))
  }

  #warnOnce({ path, lastEventId, reason }: SseGap): void {
    if (!this.#hasWarned) {
      console.warn(
        `${path}: events after ${lastEventId} are no longer available (${reason}). Handle this with onGap.`,
      )
    }
    this.#hasWarned = true
  }

  /** Calls a handler. If it throws, or rejects, the error is reported and stops nothing. */
  #guard(stage: SseLinkErrorInfo['stage'], call: () => unknown): void {
    const { onError = reportUncaught } = this.#options
    // An async function runs up to its first await at once, so the call isn't delayed.
    const settled = async (): Promise<unknown> => call()
    settled().catch((error: unknown) => onError(error, { stage, path: this.#op.path }))
  }
}
