import type { SubscriptionFrame } from '../wire/frame.ts'

/** The subscription that a handover reports to. */
export interface HandoverTarget<TConnection> {
  /** Takes a frame that arrived on this connection. */
  deliver(frame: SubscriptionFrame, connection: TConnection): void
  /** The position has moved: the subscription has received everything up to it. */
  positioned(): void
  /** The subscription runs again. */
  started(): void
  /** The subscription doesn't run; `undefined` if nothing failed. */
  waiting(error: unknown): void
}

type StartedFrame = Extract<SubscriptionFrame, { readonly type: 'started' }>

/** A connection that was asked to run a subscription. */
interface Next<TConnection> {
  readonly connection: TConnection
  readonly hasPosition: boolean
  /**
   * Frames that the previous connection has sent meanwhile. Without a position, only their ids
   * matter.
   */
  readonly held: SubscriptionFrame[]
  readonly delivered: Set<string>
}

/**
 * Takes one subscription's frames from one connection at a time. When a next connection is asked to
 * run the subscription, frames of the previous one are held back until the next one has started.
 * The next connection then sends all events after the position. If it fails, the held frames are
 * delivered. So nothing is missed or repeated, and ids can stay opaque. Without a position we can't
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
    // An empty id requests a start without a position, even if one was kept.
    this.#clientPosition = lastEventId || undefined
    this.#target = target
  }

  lastEventId(): string | undefined {
    return this.#clientPosition
  }

  /** Whether its values are those of a live subscription; `undefined` if the server hasn't said. */
  live(): boolean | undefined {
    return this.#isLive
  }

  /** The connection that it runs on. */
  connection(): TConnection | undefined {
    return this.#connection
  }

  /**
   * Whether every event after this id is still to come. `false` while the next event is being
   * delivered.
   */
  isAt(lastEventId: string): boolean {
    return lastEventId === this.#clientPosition && !this.#isDelivering
  }

  /** Whether it will receive exactly the same frames as the other one. */
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
    // Frames stay held for as long as nothing takes over from the connection that sent them.
    const held = this.#next?.held ?? []
    this.#next = { connection, hasPosition, held, delivered: new Set() }
  }

  /** Takes a frame; returns whether the position has moved. */
  receive(frame: SubscriptionFrame, connection: TConnection): boolean {
    const next = this.#next
    const { type } = frame
    if (next?.connection === connection) {
      if (type === 'started') return this.#start(next, frame)
      // The start failed. The caller decides what that means for the previous connection.
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
    // An untracked event between tracked ones has an empty id, which is no position.
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
