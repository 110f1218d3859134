import { type Clock, elapsedTime, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { Tracer } from '../user-code/tracer.ts'
import type { Behind } from './behind.ts'
import { Hub } from './hub.ts'
import type { PageCache } from './page-cache.ts'
import type { Reads } from './reads.ts'
import type { ErrorStage } from './report.ts'
import type { WindowLimits } from './window.ts'

/** The parts and options of a {@link HubRegistry}. */
export interface HubRegistryOptions {
  readonly reads: Reads
  readonly pageCache: PageCache
  /** The maximum number of open logs. */
  readonly maxOpen: number
  readonly backend: Backend
  readonly codec: Codec
  readonly clock: Clock
  readonly window: WindowLimits
  /** The time for which a hub stays open after its last reader left, in milliseconds. */
  readonly lingerMs: number
  /**
   * The interval at which a hub is compared with its log, in milliseconds, varied by up to half.
   */
  readonly positionCheckMs: number
  readonly tracer: Tracer
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
}

/** A hub, with the time of its next check and the time since which it is idle. */
interface HubSlot {
  readonly hub: Hub
  /** The time at which the last reader left; `undefined` while there are readers. */
  idleSince: number | undefined
  checkAt: number
}

const tickMs = 1_000
/**
 * Backends forget an unused empty log after minutes. A check counts as use, so it must come
 * earlier.
 */
const longestCheckMs = 450_000

/**
 * The hubs of a process: one for each log that has readers, or had some recently. One timer closes
 * idle hubs and checks positions. It runs only while there are hubs.
 */
export class HubRegistry {
  readonly #options: HubRegistryOptions
  readonly #elapsedMs: () => number
  readonly #slots = new Map<string, HubSlot>()
  #isClosed = false
  /** The earliest time of the next search for idle hubs. */
  #crowdedUntilMs = 0
  #cancelTick: (() => void) | undefined

  constructor(options: HubRegistryOptions) {
    this.#options = options
    this.#elapsedMs = elapsedTime(options.clock)
  }

  /** Returns the hub of a log. Opens it if necessary. Throws `CLOSED` or `TOO_MANY_CHANNELS`. */
  get(log: ChannelLog, behind: Behind): Hub {
    if (this.#isClosed) throw channelsClosed()
    const found = this.#slots.get(log.key)
    if (found) {
      found.idleSince = undefined
      return found.hub
    }
    this.#makeRoom()
    const { clock, report } = this.#options
    const hub = new Hub({
      ...this.#options,
      log,
      behind,
      report: (error, stage) => report(error, stage, log),
    })
    this.#slots.set(log.key, { hub, idleSince: undefined, checkAt: this.#nextCheck(log) })
    this.#cancelTick ??= clock.after(tickMs, () => this.#tick())
    return hub
  }

  /** Returns the hub of a log, if it is open. */
  find(key: string): Hub | undefined {
    return this.#slots.get(key)?.hub
  }

  /** Returns the hubs of all open logs. */
  *all(): Iterable<Hub> {
    for (const { hub } of this.#slots.values()) yield hub
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTick?.()
    const slots = [...this.#slots.values()]
    this.#slots.clear()
    await Promise.all(slots.map(({ hub }) => this.#closeHub(hub)))
  }

  #tick(): void {
    const now = this.#elapsedMs()
    const { clock, lingerMs } = this.#options
    this.#closeIdle(clock.rare?.('early close') ? 0 : lingerMs)
    for (const slot of this.#slots.values()) {
      const isDue = now >= Math.min(slot.checkAt, slot.hub.expiresAtMs)
      if (!isDue && !clock.rare?.('early check')) continue
      slot.checkAt = this.#nextCheck(slot.hub.log)
      slot.hub.check()
    }
    this.#cancelTick = this.#slots.size > 0 ? clock.after(tickMs, () => this.#tick()) : undefined
  }

  /** Closes hubs that have been without readers for `lingerMs`. */
  #closeIdle(lingerMs: number): void {
    const now = this.#elapsedMs()
    for (const [key, slot] of this.#slots) {
      slot.idleSince = slot.hub.readers > 0 ? undefined : (slot.idleSince ?? now)
      if (slot.idleSince === undefined || now - slot.idleSince < lingerMs) continue
      this.#slots.delete(key)
      void this.#closeHub(slot.hub)
    }
  }

  /** Closes idle hubs if there are too many hubs. Searches for idle hubs at most once per tick. */
  #makeRoom(): void {
    const { maxOpen } = this.#options
    if (this.#slots.size < maxOpen) return
    if (this.#elapsedMs() >= this.#crowdedUntilMs) {
      this.#closeIdle(0)
      this.#crowdedUntilMs = this.#elapsedMs() + tickMs
    }
    if (this.#slots.size >= maxOpen) throw tooManyOpen(maxOpen)
  }

  /**
   * Returns the time of the next check. Jittered, so that hubs that were opened together are
   * checked at different times.
   */
  #nextCheck({ entries }: ChannelLog): number {
    const { positionCheckMs, clock } = this.#options
    const checkMs = positionCheckMs * (0.5 + clock.random())
    const entriesMs = entries && !entries.setWithEvents ? entries.checkMs : Infinity
    return this.#elapsedMs() + Math.min(checkMs, longestCheckMs, entriesMs)
  }

  async #closeHub(hub: Hub): Promise<void> {
    try {
      await hub.close()
    } catch (error) {
      this.#options.report(error, 'close', hub.log)
    }
  }
}

/** Creates the error for a use of channels that the app has closed. */
export function channelsClosed(): RealtimeError {
  return new RealtimeError('CLOSED', 'The channels were closed. Create new ones.')
}

function tooManyOpen(count: number): RealtimeError {
  const message = `This process reads ${count} channels, which is its limit (maxOpenChannels of createChannels). Try again later, or raise the limit.`
  return new RealtimeError('TOO_MANY_CHANNELS', message)
}
