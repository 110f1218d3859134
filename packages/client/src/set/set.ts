import { isSameRetry } from '../stream/retry-policy.ts'
import type { Member } from './member.ts'
import type { SetOptions } from './set-options.ts'
import { SharedStream } from './shared-stream.ts'
import { SharedSubscription, type SubscriptionOwner } from './shared-subscription.ts'
import { identityOf, type WantedCall } from './wanted-call.ts'

/** Subscriptions on one stream, which exists while any is wanted. */
export class SubscriptionSet implements SubscriptionOwner {
  readonly options: SetOptions
  readonly stream: SharedStream
  readonly #subscriptions = new Set<SharedSubscription>()
  /** The subscriptions of each identity, which differ only in position or retry. */
  readonly #families = new Map<string, readonly SharedSubscription[]>()

  constructor(options: SetOptions) {
    this.options = options
    this.stream = new SharedStream(options, this.#subscriptions)
  }

  /**
   * Adds a subscription; returns a function that removes it. It runs as if it were alone. On the
   * wire, it is one with those of the same path and input that have the same position.
   */
  join(call: WantedCall, member: Member): () => void {
    const identity = identityOf(call)
    const subscription =
      this.#familyOf(identity).find((one) => canShare(one, call)) ?? this.#add(identity, call)
    subscription.join(member)
    this.stream.changed()
    return () => {
      for (const one of this.#familyOf(identity)) one.leave(member)
    }
  }

  #familyOf(identity: string): readonly SharedSubscription[] {
    return this.#families.get(identity) ?? []
  }

  #add(identity: string, call: WantedCall): SharedSubscription {
    const elders = this.#familyOf(identity)
    const kept = elders.length > 0 ? undefined : this.options.positions.load(identity)
    const subscription = new SharedSubscription(call, call.lastEventId ?? kept, this)
    this.#subscriptions.add(subscription)
    this.#families.set(identity, [...elders, subscription])
    return subscription
  }

  remove(subscription: SharedSubscription): void {
    const { identity } = subscription
    const others = this.#familyOf(identity).filter((other) => other !== subscription)
    this.#subscriptions.delete(subscription)
    this.#families.set(identity, others)
    if (others.length === 0) {
      this.#families.delete(identity)
      this.options.positions.save(identity, undefined)
    }
    this.stream.changed()
  }

  /** Saves the position, and merges the subscription with an equal one at the same position. */
  positioned(subscription: SharedSubscription): void {
    // A handler may just have unsubscribed.
    if (!this.#subscriptions.has(subscription)) return
    const { identity, handover, call } = subscription
    this.options.positions.save(identity, handover.lastEventId())
    const family = this.#familyOf(identity)
    if (family.length < 2) return
    const [elder, younger] = family.filter(
      (other) =>
        other.handover.equals(handover) &&
        !other.isPast &&
        isSameRetry(other.call.retry, call.retry),
    )
    if (younger) elder?.adopt(younger)
  }
}

/** Whether a subscription would receive exactly the same events as the shared one from now on. */
function canShare(shared: SharedSubscription, { lastEventId, retry }: WantedCall): boolean {
  if (!isSameRetry(shared.call.retry, retry)) return false
  if (shared.isFresh() && shared.call.lastEventId === lastEventId) return true
  if (lastEventId === undefined || shared.isPast) return false
  return shared.handover.isAt(lastEventId)
}
