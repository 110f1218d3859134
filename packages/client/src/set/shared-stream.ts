import { elapsedTime } from '@trpc-sse/protocol'
import { unknownStatuses } from '../stream/fallback.ts'
import type { StreamState } from '../stream/state.ts'
import { Stream } from '../stream/stream.ts'
import type { ModeConnection } from '../stream/stream-options.ts'
import { readMultiplexedMessage } from '../wire/multiplexed.ts'
import type { Endpoint } from '../wire/request.ts'
import { readSingleMessage } from '../wire/single.ts'
import { MultiplexedConnection } from './multiplexed-connection.ts'
import {
  type ConnectionOwner,
  createSingleConnection,
  type SetConnection,
} from './set-connection.ts'
import type { SetOptions } from './set-options.ts'
import type { SharedSubscription, SubscriptionStream } from './shared-subscription.ts'

/** The stream of all subscriptions of a set. It exists while there are subscriptions. */
export class SharedStream implements SubscriptionStream, ConnectionOwner {
  readonly options: SetOptions
  lostId: string | undefined = undefined
  readonly #subscriptions: ReadonlySet<SharedSubscription>
  readonly #connections = new Set<SetConnection>()
  #stream: Stream | undefined
  /** The connection that was requested last. A refusal answers its request. */
  #asked: SetConnection | undefined
  #isScheduled = false
  readonly #elapsedMs: () => number
  /**
   * The server asked clients not to open a stream before this time. It is kept here, because the
   * stream that received the request may be closed.
   */
  #notBeforeMs = 0
  #cancelOpening = (): void => {}

  constructor(options: SetOptions, subscriptions: ReadonlySet<SharedSubscription>) {
    this.options = options
    this.#subscriptions = subscriptions
    this.#elapsedMs = elapsedTime(options.clock)
    options.onDelayed?.((error) => {
      for (const one of this.wanted())
        if (one.handover.connection() === undefined) one.waiting(error)
    })
  }

  /**
   * The wanted subscriptions may have changed. In multiplexed mode, starts and stops of one tick
   * travel together.
   */
  changed(): void {
    if (this.options.isSingle) this.#apply()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      queueMicrotask(() => this.#apply())
    }
  }

  /** The server has ended a subscription. */
  forget(subscription: SharedSubscription): void {
    for (const connection of this.#connections) connection.forget?.(subscription)
    this.changed()
  }

  /** The only subscription has failed on this connection. */
  fail(error: unknown, connection: ModeConnection): void {
    this.#stream?.fail(error, connection)
  }

  askedWaitMs(): number {
    return this.#stream?.askedWaitMs() ?? 0
  }

  wanted(): Set<SharedSubscription> {
    return new Set([...this.#subscriptions].filter((one) => !one.isBackingOff()))
  }

  async endpoint(): Promise<Endpoint> {
    const [first, ...others] = Array.from(this.#subscriptions, ({ call }) => call.op)
    if (!first) throw new Error('Nothing is wanted.')
    return this.options.endpoint([first, ...others])
  }

  isNewest(connection: SetConnection): boolean {
    return [...this.#connections].at(-1) === connection
  }

  handOver(): void {
    this.#stream?.handOver()
  }

  lost(connection: SetConnection, error: unknown): void {
    this.#connections.delete(connection)
    if (error !== undefined) this.#notBeforeMs = this.#elapsedMs() + this.askedWaitMs()
    for (const subscription of [...this.#subscriptions])
      subscription.handover.lost(connection, this.#ownError(subscription, error))
    // The connection before it may have left changes to it.
    for (const other of this.#connections) other.changed?.()
    // Subscriptions that back off by themselves open another stream when they are due.
    if (this.#subscriptions.size > 0 && this.wanted().size === 0) this.#release()
  }

  /** Closes the previous connection once no subscription runs on it. */
  closePrevious(): void {
    const newest = [...this.#connections].at(-1)
    if (this.#connections.size < 2 || !newest?.isInControl()) return
    for (const other of this.#connections) if (other !== newest) other.retire?.()
    const isOnNewest = ({ handover }: SharedSubscription): boolean =>
      (handover.connection() ?? newest) === newest
    if ([...this.#subscriptions].every(isOnNewest)) this.#stream?.handedOver()
  }

  #apply(): void {
    this.#isScheduled = false
    this.#cancelOpening()
    if (this.#subscriptions.size === 0) this.#stream?.close()
    else if (this.#stream) for (const connection of this.#connections) connection.changed?.()
    else if (this.wanted().size > 0) this.#openWhenAllowed()
    this.closePrevious()
  }

  #openWhenAllowed(): void {
    const { clock } = this.options
    const waitMs = this.#notBeforeMs - this.#elapsedMs()
    if (waitMs <= 0) this.#open()
    else this.#cancelOpening = clock.after(waitMs, () => this.#apply(), { keepsAlive: true })
  }

  #open(): void {
    const { isSingle, onKnown } = this.options
    this.#stream = new Stream({
      ...this.options,
      endpoint: () => this.endpoint(),
      connect: () => this.#connect(),
      read: isSingle ? readSingleMessage : readMultiplexedMessage,
      onRefused: (error) => this.#refused(error),
      // Servers that know multiplexed mode send `retry:` on every stream. tRPC's own server never
      // does.
      onRetryAsked: () => isSingle && onKnown(),
      onEnded: (state) => this.#ended(state),
    })
  }

  #connect(): SetConnection {
    const [only] = this.#subscriptions
    this.#asked =
      this.options.isSingle && only
        ? createSingleConnection(this, only)
        : new MultiplexedConnection(this)
    this.#connections.add(this.#asked)
    return this.#asked
  }

  /** Closes the stream without reporting it to any subscription. */
  #release(): void {
    const stream = this.#stream
    this.#stream = undefined
    stream?.close()
  }

  /** Returns the error of one subscription from a refusal of the whole set. */
  #ownError(subscription: SharedSubscription, error: unknown): unknown {
    const key = error === undefined ? undefined : this.#asked?.keyOf?.(subscription)
    return key === undefined ? error : this.options.readOwnError(error, key)
  }

  #refused(error: unknown): void {
    for (const connection of this.#connections) connection.resume?.()
    for (const subscription of this.wanted())
      if (subscription.handover.connection() === undefined)
        subscription.fail(this.#ownError(subscription, error))
  }

  #ended(state: StreamState): void {
    for (const connection of this.#connections) connection.retire?.()
    this.#connections.clear()
    if (!this.#stream) return
    this.#stream = undefined
    const { error, status = 0, everOpen, gaveUp } = state
    // A refusal that names a clause of the protocol comes from a server that knows this mode.
    const isUnknown =
      !this.options.isSingle &&
      !everOpen &&
      unknownStatuses.includes(status) &&
      !/\bP46\b/.test(String(error))
    if (isUnknown) this.options.onUnknown(status)
    for (const subscription of [...this.#subscriptions]) {
      const lastEventId = subscription.handover.lastEventId()
      if (isUnknown) for (const member of subscription.dissolve()) member.single(lastEventId)
      else if (gaveUp) subscription.streamGaveUp(this.#ownError(subscription, error))
      else subscription.fail(this.#ownError(subscription, error))
    }
  }
}
