import type { Clock } from '@trpc-sse/protocol'
import { type Device, followDevice } from '../stream/device.ts'
import type { FailureMemory } from '../stream/failures.ts'
import { Retry } from '../stream/retry.ts'
import type { CheckedRetry } from '../stream/retry-policy.ts'
import type { ModeConnection } from '../stream/stream-options.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'
import { Handover, type HandoverTarget } from './handover.ts'
import type { Member, SubscriptionEnd } from './member.ts'
import { identityOf, type WantedCall } from './wanted-call.ts'

/** The stream that a shared subscription runs on. */
export interface SubscriptionStream {
  /** The wanted subscriptions may have changed. */
  changed(): void
  /** The server has ended a subscription, for now or for good. */
  forget(subscription: SharedSubscription): void
  /** The only subscription has failed on this connection. */
  fail(error: unknown, connection: ModeConnection): void
  /** The shortest wait that the server requests before a restart, in milliseconds. */
  askedWaitMs(): number
}

/** The set that a shared subscription is in. */
export interface SubscriptionOwner {
  readonly options: SubscriptionOptions
  readonly stream: SubscriptionStream
  /** The subscription has started, or its position has moved. */
  positioned(subscription: SharedSubscription): void
  /** Removes the subscription, which is no longer wanted. May be called again. */
  remove(subscription: SharedSubscription): void
}

/** Options that all subscriptions of a set share. */
export interface SubscriptionOptions {
  readonly clock: Clock
  /**
   * Whether the subscription has its own stream. The stream is then retried instead of the
   * subscription.
   */
  readonly isSingle: boolean
  readonly lingerMs: number
  readonly device: Device
  readonly hiddenTimeoutMs: number
  /** The link's retry, unless the call has its own. */
  readonly retry: CheckedRetry
  readonly failures: FailureMemory
}

/**
 * One subscription on the wire, for all of the app's subscriptions that are equal and at the same
 * position.
 */
export class SharedSubscription implements HandoverTarget<ModeConnection> {
  /** The same for all equal subscriptions. */
  readonly identity: string
  readonly call: WantedCall
  readonly handover: Handover<ModeConnection>
  /**
   * Whether an item at its position was delivered that didn't move it: the value of a run, or its
   * mark. A subscription that starts there gets such items first, so it can't share yet.
   */
  isPast = false
  readonly #owner: SubscriptionOwner
  readonly #members = new Set<Member>()
  /** Members that haven't been notified yet that it runs. */
  readonly #newcomers = new Set<Member>()
  readonly #retry: Retry
  #isFresh = true
  #cancelLinger = (): void => {}
  #unfollow = (): void => {}

  constructor(call: WantedCall, lastEventId: string | undefined, owner: SubscriptionOwner) {
    const { clock, device, failures, retry } = owner.options
    this.identity = identityOf(call)
    this.call = call
    this.#owner = owner
    this.handover = new Handover(lastEventId, this)
    this.#retry = new Retry({
      clock,
      device,
      policy: call.retry ?? retry,
      record: failures.of(this.identity, call.path),
      onElapsed: () => {
        this.#unfollow()
        if (this.#members.size > 0) owner.stream.changed()
        else this.#over()
      },
    })
  }

  /** Whether it is waiting to be started again. */
  isBackingOff(): boolean {
    return this.#retry.isBackingOff()
  }

  /** Whether nothing has been delivered yet. */
  isFresh(): boolean {
    return this.#isFresh
  }

  join(member: Member): void {
    this.#add(member)
    if (this.handover.connection() === undefined) return
    this.#newcomers.add(member)
    // Deferred: the caller has no unsubscribe handle yet.
    queueMicrotask(() => this.#each((one) => one === member && this.#welcome(one)))
  }

  /** Removes a member. After the last one, the subscription is kept for a while. */
  leave(member: Member): void {
    const { clock, isSingle, lingerMs } = this.#owner.options
    if (!this.#remove(member) || this.#members.size > 0) return
    if (isSingle) this.#over()
    else this.#cancelLinger = clock.after(lingerMs, () => this.#over())
  }

  /** Takes over the members of another subscription that has the same position. */
  adopt(other: SharedSubscription): void {
    other.#each((member) => other.#welcome(member))
    for (const member of other.dissolve()) this.#add(member)
  }

  /** Removes and returns all members, without notifying them. */
  dissolve(): Member[] {
    const members = [...this.#members]
    this.#members.clear()
    this.#newcomers.clear()
    this.#over()
    return members
  }

  /** Ends it with an error. */
  fail(error: unknown): void {
    this.#retry.ended(error)
    for (const member of this.dissolve()) member.failed(error)
  }

  /** The stream isn't retried. The subscription continues only if the call has its own retry. */
  streamGaveUp(error: unknown): void {
    if (this.call.retry === undefined) this.fail(error)
    else this.#backOffAlone(error)
  }

  deliver(frame: SubscriptionFrame, connection: ModeConnection): void {
    const { type } = frame
    if (type === 'event' || type === 'gap') this.#isFresh = false
    if (frame.id && type === 'event') this.isPast = frame.id === this.handover.lastEventId()
    const end = this.#each((member) => {
      if (this.#newcomers.size > 0) this.#welcome(member)
      return member.receive(frame)
    })
    if (type === 'stopped' || type === 'error') this.#end(end, connection)
  }

  positioned(): void {
    this.#retry.progressed()
    this.#owner.positioned(this)
  }

  started(): void {
    this.#retry.started()
    this.#newcomers.clear()
    this.#each((member) => member.started(this.handover.lastEventId(), this.handover.live()))
    this.#owner.positioned(this)
  }

  waiting(error: unknown): void {
    this.#newcomers.clear()
    if (this.isBackingOff()) return
    if (error !== undefined && this.call.retry !== undefined) this.#backOffAlone(error)
    else this.#each((member) => member.connecting(error))
  }

  #end(end: SubscriptionEnd | undefined, connection: ModeConnection): void {
    const { options, stream } = this.#owner
    if (options.isSingle && end?.type === 'lost') {
      this.#retry.ended(end.error)
      stream.fail(end.error, connection)
    } else {
      stream.forget(this)
      if (end?.type === 'lost') this.#backOff(end.error)
      else if (end?.error !== undefined) this.fail(end.error)
      else this.dissolve()
    }
  }

  #backOff(error: unknown): void {
    this.#cancelLinger()
    this.handover.reset()
    const keepsAlive = this.#members.size > 0
    const end = this.#retry.failed(error, this.#owner.stream.askedWaitMs(), keepsAlive)
    if (!end) return void this.#each((member) => member.connecting(error))
    for (const member of this.dissolve()) member.failed(end.error)
  }

  /**
   * Backs off without the stream, which may be gone. During the wait, this subscription follows the
   * device itself.
   */
  #backOffAlone(error: unknown): void {
    const { clock, device, hiddenTimeoutMs } = this.#owner.options
    if (this.isBackingOff()) return
    this.#backOff(error)
    if (!this.isBackingOff()) return
    this.#unfollow = followDevice(device, clock, hiddenTimeoutMs, {
      suspend: () => this.#retry.pause(),
      wake: () => this.#retry.hurry(),
    })
  }

  /** Calls all members. If a member's handler throws, that member ends. */
  #each<T>(call: (member: Member) => T): T | undefined {
    let result: T | undefined
    for (const member of [...this.#members]) {
      try {
        if (this.#members.has(member)) result = call(member) ?? result
      } catch (error) {
        this.#remove(member)
        this.#retry.ended(error)
        member.failed(error)
        if (this.#members.size === 0) this.#over()
      }
    }
    return result
  }

  #add(member: Member): void {
    this.#cancelLinger()
    this.#members.add(member)
  }

  #remove(member: Member): boolean {
    this.#newcomers.delete(member)
    return this.#members.delete(member)
  }

  #welcome(member: Member): void {
    if (this.#newcomers.delete(member) && this.handover.connection() !== undefined)
      member.started(this.handover.lastEventId(), this.handover.live())
  }

  #over(): void {
    this.#cancelLinger()
    this.#unfollow()
    this.#retry.stop()
    this.handover.reset()
    this.#owner.remove(this)
  }
}
