import { type Clock, type EventId, isPlainObject } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import { createCodec } from '../codec/codec.ts'
import { eventValue } from '../hub/log-event.ts'
import { createReadGroup } from '../hub/reads.ts'
import type { HubRegistry } from '../hub/registry.ts'
import type { LogFeed } from '../subscription/feed.ts'
import { openCursor } from '../subscription/subscribe.ts'
import { detached } from '../user-code/async-context.ts'
import {
  type DisconnectFilter,
  type DisconnectTarget,
  disconnectFilter,
} from './connection/disconnects.ts'
import { type Answer, Answers, tryTo } from './fleet-answers.ts'
import { toHex } from './request/hex.ts'

/** The parts of channels that a fleet needs. */
export interface FleetOptions {
  readonly backend: Backend
  readonly hubs: HubRegistry
  readonly clock: Clock
}

/** A link that carries out the orders of its fleet. */
export interface FleetLink {
  /** Ends matching streams, and returns their number. */
  disconnect(filter: DisconnectFilter, reason: string | undefined): number
  /** Moves all clients to new streams, so that `createContext` checks them again. */
  rollOver(): void
}

/** An order to end streams, as it is stored. */
interface Order extends DisconnectTarget {
  readonly id: string
  /** The instance that has given the order. */
  readonly from: string
  readonly reason?: string
}

/**
 * The log of orders. It is never a channel's log, as channel names can't start with `~`. An
 * instance that was cut off from the backend for longer than ten minutes moves all its clients.
 */
const log: ChannelLog = {
  key: JSON.stringify(['~orders']),
  retain: { events: 1_000, forMs: 600_000 },
}
/** The longest wait of the first stream for the position in the log, in milliseconds. */
const joinMs = 1_000

/**
 * All instances that share a backend. Orders are events of a log, which every instance reads from
 * its first stream on: an instance that was cut off carries them out later.
 */
export class Fleet {
  readonly #options: FleetOptions
  readonly #instance = toHex(crypto.getRandomValues(new Uint8Array(8)))
  readonly #codec = createCodec(undefined)
  /** Links have no end of their own, so they aren't kept alive for it. */
  readonly #links = new Set<WeakRef<FleetLink>>()
  #linksAdded = 0
  #joining: Promise<void> | undefined
  #hasJoined = false
  #feed: LogFeed | undefined
  #isReading = false
  /** Whether orders may have been missed before the feed has found its position. */
  #mayHaveMissed = false
  #orders = 0
  /** The instances that have answered the last order; `undefined` before the first one. */
  #others: ReadonlySet<string> | undefined
  /** The orders of this moment: all links of an app may give the same one. */
  readonly #given = new Set<string>()

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Adds a link, which carries out orders from then on. Returns its number in this process. */
  add(link: FleetLink): number {
    this.#links.add(new WeakRef(link))
    return ++this.#linksAdded
  }

  /**
   * Returns a promise to wait for before a stream is opened; `undefined` once orders are read. It
   * resolves within a second, and never rejects.
   */
  join(): Promise<void> | undefined {
    if (this.#hasJoined) return undefined
    this.#joining ??= detached(() => this.#join()).finally(() => {
      this.#joining = undefined
    })
    return this.#joining
  }

  /**
   * Ends matching streams of all instances. Resolves to their number, as far as instances have
   * answered in time. Rejects with `BACKEND_UNAVAILABLE` if the order can't be stored; the streams
   * of this process have ended then.
   */
  async disconnect(target: DisconnectTarget, reason: string | undefined): Promise<number> {
    const count = this.#disconnectHere(target, reason)
    const { key, path } = target
    const given = JSON.stringify([key, path, reason])
    if (this.#given.has(given)) return count
    this.#given.add(given)
    queueMicrotask(() => this.#given.delete(given))
    const order: Order = {
      id: `${this.#instance}:${++this.#orders}`,
      from: this.#instance,
      ...(key !== undefined && { key }),
      ...(path !== undefined && { path }),
      ...(reason !== undefined && { reason }),
    }
    return count + (await detached(() => this.#give(order)))
  }

  async #give(order: Order): Promise<number> {
    const { backend } = this.#options
    const answers = new Answers(this.#options.clock, order.id, this.#others)
    const unlisten = await backend
      .listen(log, { onEvent() {}, onInterrupted() {}, onNotice: (text) => answers.receive(text) })
      .catch(() => undefined)
    try {
      await backend.append(log, [this.#codec.serialize(order)])
      // Without notices, no instance can answer.
      if (!backend.notify || !unlisten) return 0
      const { count, from } = await answers.all()
      this.#others = from
      return count
    } finally {
      void unlisten?.()
    }
  }

  async #join(): Promise<void> {
    const position = await this.#position()
    if (position === undefined) this.#mayHaveMissed = true
    try {
      const { backend: _, ...parts } = this.#options
      const start = position === undefined ? { replay: 0 } : { after: position }
      this.#feed = openCursor(
        { ...parts, log, codec: this.#codec, behind: { policy: 'catchUp', events: 1_000 } },
        start,
        { group: createReadGroup(), wake: () => this.#wake() },
      )
      this.#hasJoined = true
      this.#wake()
    } catch {
      // Too many channels are open: the next stream tries again. This one may miss orders.
      this.#mayHaveMissed = true
    }
  }

  /** Reads the end of the log; `undefined` if the backend doesn't answer in time. */
  async #position(): Promise<EventId | undefined> {
    const { backend, clock } = this.#options
    const reading = backend.read(log, { last: 0, limit: 1 }).then(
      ({ lastEventId }) => lastEventId,
      () => undefined,
    )
    let stopTimer = (): void => {}
    const late = new Promise<undefined>((resolve) => {
      stopTimer = clock.after(joinMs, () => resolve(undefined))
    })
    return await Promise.race([reading, late]).finally(stopTimer)
  }

  #wake(): void {
    if (this.#isReading) return
    this.#isReading = true
    // Not in the call of the hub, which may be about to wake others.
    queueMicrotask(() => {
      this.#isReading = false
      this.#read()
    })
  }

  #read(): void {
    const feed = this.#feed
    try {
      for (let item = feed?.next(); item; item = feed?.next()) {
        if (item.kind === 'gap') this.#rollOver()
        else this.#carryOut(tryTo(() => eventValue(item)))
      }
    } catch {
      // The channels are closed.
      this.#feed = undefined
    }
    if (!this.#mayHaveMissed || !feed?.hasCaughtUp()) return
    this.#mayHaveMissed = false
    this.#rollOver()
  }

  #carryOut(order: unknown): void {
    if (!isOrder(order) || order.from === this.#instance) return
    const count = this.#disconnectHere(order, order.reason)
    const answer: Answer = { order: order.id, from: this.#instance, count }
    this.#options.backend.notify?.(log, JSON.stringify(answer)).catch(() => {
      // The count is then smaller than it could be.
    })
  }

  #disconnectHere(target: DisconnectTarget, reason: string | undefined): number {
    const filter = disconnectFilter(target)
    let count = 0
    for (const link of this.#linksInUse()) count += link.disconnect(filter, reason)
    return count
  }

  /** Orders were lost: each client is checked again. */
  #rollOver(): void {
    for (const link of this.#linksInUse()) link.rollOver()
  }

  #linksInUse(): FleetLink[] {
    return [...this.#links].flatMap((reference) => {
      const link = reference.deref()
      if (!link) this.#links.delete(reference)
      return link ?? []
    })
  }
}

function isOrder(value: unknown): value is Order {
  if (!isPlainObject(value)) return false
  const { id, from, key, path, reason } = value
  const isOptional = (text: unknown): boolean => text === undefined || typeof text === 'string'
  if (typeof id !== 'string' || typeof from !== 'string') return false
  return [key, path, reason].every(isOptional) && (key ?? path) !== undefined
}
