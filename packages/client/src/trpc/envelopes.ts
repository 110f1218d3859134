import type { Operation, OperationResultEnvelope } from '@trpc/client'
import type { Observer } from '@trpc/server/observable'
import type { GapData } from '@trpc-sse/protocol'
import type { SseGap, SseLinkBaseOptions, SseLinkErrorInfo } from '../options/options.ts'
import type { Codec, Member, SubscriptionEnd } from '../set/member.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'
import { type ClientError, clientError } from './codec.ts'

/** What tRPC gives a link to report a subscription to. */
export type EnvelopeObserver = Observer<OperationResultEnvelope<unknown, ClientError>, ClientError>

/**
 * Reports one operation's subscription exactly as tRPC's own links do, in tRPC's envelopes. Only
 * what an app's `onData`, `onStarted` and the like throw is thrown on.
 */
export class Envelopes implements Member {
  /** Set by what starts the subscription. */
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
    // `useLive` finds it in what `onStarted` is given.
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
   * Calls `stop` when the app's signal aborts first. To tRPC's links that is an end like the
   * server's own.
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

  /**
   * Calls a handler so that what it throws, or rejects with if it is async, is reported and stops
   * nothing.
   */
  #guard(stage: SseLinkErrorInfo['stage'], call: () => unknown): void {
    const { onError = reportUncaught } = this.#options
    // An async function runs at once, up to its first await: the call itself is not put off.
    const settled = async (): Promise<unknown> => call()
    settled().catch((error: unknown) => onError(error, { stage, path: this.#op.path }))
  }
}

/** Hands an error to the runtime, which shows it as it shows every error that nobody caught. */
function reportUncaught(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else
    queueMicrotask(() => {
      throw error
    })
}
