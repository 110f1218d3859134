import type { SubscriptionFrame } from '../wire/frame.ts'

/** What a handover reports to its subscription. */
export interface HandoverTarget<TConnection> {
  /** Takes a frame that arrived on this connection. */
  deliver(frame: SubscriptionFrame, connection: TConnection): void
  /** The subscription has moved on, and has got all up to this event. */
  positioned(): void
  /** The subscription runs, after it did not. */
  started(): void
  /** The subscription doesn't run; `undefined` if nothing failed. */
  waiting(error: unknown): void
}

type StartedFrame = Extract<SubscriptionFrame, { readonly type: 'started' }>

/** A connection that was asked to run a subscription. */
interface Next<TConnection> {
  readonly connection: TConnection
  readonly hasPosition: boolean
  /** What the previous connection sent meanwhile; if there is no position, the ids of that. */
  readonly held: SubscriptionFrame[]
  readonly delivered: Set<string>
}

/**
 * Takes one subscription's frames from one connection at a time. When a next connection is asked to
 * run the subscription, frames of the previous one are held back until the next one has started. It
 * then sends all of them, from the position on. If it fails, the held frames are delivered. So
 * nothing is missed or repeated, and ids need not be understood. Without a position we can't
 * resume: the previous connection keeps delivering, and the next one skips what was already
 * delivered.
 */
export class Handover<TConnection> {
  readonly #target: HandoverTarget<TConnection>
  #clientPosition: string | undefined
  #isLive: boolean | undefined
  #connection: TConnection | undefined
  #next: Next<TConnection> | undefined
  #skipped = new Set<string>()
  #isDelivering = false

  constructor(lastEventId: string | undefined, target: HandoverTarget<TConnection>) {
    // An empty id asks for a start without one, even where one was kept.
    this.#clientPosition = lastEventId || undefined
    this.#target = target
  }

  lastEventId(): string | undefined {
    return this.#clientPosition
  }

  /** Whether its values are those of a live subscription, if the server has said so. */
  live(): boolean | undefined {
    return this.#isLive
  }

  /** The connection that it runs on. */
  connection(): TConnection | undefined {
    return this.#connection
  }

  /** Whether all after this event is still to come: not while the next one is being delivered. */
  isAt(lastEventId: string): boolean {
    return lastEventId === this.#clientPosition && !this.#isDelivering
  }

  /** Whether it gets everything from now on, exactly as the other one does. */
  equals(other: Handover<TConnection>): boolean {
    return (
      this.#isSettled() &&
      other.#isSettled() &&
      this.#connection === other.#connection &&
      this.#clientPosition === other.#clientPosition
    )
  }

  /** Another connection was asked to run the subscription. */
  requested(connection: TConnection): void {
    const hasPosition = this.#clientPosition !== undefined
    this.#next = { connection, hasPosition, held: [], delivered: new Set() }
  }

  /** Takes a frame; returns whether the position has moved. */
  receive(frame: SubscriptionFrame, connection: TConnection): boolean {
    const next = this.#next
    const { type } = frame
    if (next?.connection === connection) {
      if (type === 'started') return this.#start(next, frame)
      // It could not be started there. What that means for the previous connection is not decided
      // here.
      if (type === 'error' || type === 'stopped') {
        this.#deliver(frame, connection)
        return false
      }
    }
    if (connection !== this.#connection || type === 'started') return false
    if (next?.hasPosition) {
      next.held.push(frame)
      return false
    }
    if (next && frame.id) next.delivered.add(frame.id)
    return this.#take(frame, connection)
  }

  /** A connection is gone, with an error if it failed. */
  lost(connection: TConnection, error: unknown): void {
    const failed = this.#next?.connection === connection ? this.#next : undefined
    const isOther = this.#connection !== undefined && this.#connection !== connection
    if (failed) this.#next = undefined
    if (failed && isOther) this.#deliverHeld(failed)
    else if (connection === this.#connection) {
      this.#connection = undefined
      this.#target.waiting(error)
    } else if (!isOther && error !== undefined) this.#target.waiting(error)
  }

  /** The subscription is over on all connections. */
  reset(): void {
    this.#connection = undefined
    this.#next = undefined
  }

  #isSettled(): boolean {
    return (
      this.#connection !== undefined &&
      this.#clientPosition !== undefined &&
      !this.#next &&
      this.#skipped.size === 0
    )
  }

  #start(next: Next<TConnection>, { id, live }: StartedFrame): boolean {
    const wasRunning = this.#connection !== undefined
    const isPositioned = this.#clientPosition === undefined && !!id
    this.#isLive = live
    this.#connection = next.connection
    this.#skipped = next.delivered
    this.#next = undefined
    if (isPositioned) this.#clientPosition = id
    if (!wasRunning) this.#target.started()
    if (isPositioned) this.#target.positioned()
    return isPositioned
  }

  #take(frame: SubscriptionFrame, connection: TConnection): boolean {
    const { id } = frame
    if (id && this.#skipped.delete(id)) return false
    this.#deliver(frame, connection)
    // An untracked event between tracked ones carries an empty id: that is no position.
    if (!id || id === this.#clientPosition) return false
    this.#clientPosition = id
    this.#target.positioned()
    return true
  }

  #deliver(frame: SubscriptionFrame, connection: TConnection): void {
    this.#isDelivering = true
    try {
      this.#target.deliver(frame, connection)
    } finally {
      this.#isDelivering = false
    }
  }

  #deliverHeld({ held }: Next<TConnection>): void {
    const connection = this.#connection
    for (const frame of held)
      if (connection !== undefined && this.#connection === connection) this.#take(frame, connection)
  }
}
