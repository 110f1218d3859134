import { type Clock, elapsedTime, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import type { Behind } from '../channel/definition.ts'
import type { Codec } from '../codec/codec.ts'
import { createHub, type ErrorStage, type Hub } from './hub.ts'
import type { PageCache } from './page-cache.ts'
import type { Reads } from './reads.ts'
import type { WindowLimits } from './window.ts'

/** What the hubs of a process are made of. */
export interface HubsOptions {
  readonly reads: Reads
  readonly pageCache: PageCache
  /** How many logs may be open at a time. */
  readonly maxOpen: number
  readonly backend: Backend
  readonly codec: Codec
  readonly clock: Clock
  readonly window: WindowLimits
  /** How long a hub stays open after its last reader left, in milliseconds. */
  readonly lingerMs: number
  /** How often a hub's position is compared with its log's, in milliseconds; each time up to half as much more or less. */
  readonly positionCheckMs: number
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
}

/** The hubs of a process: one for each channel that somebody reads, or has just read. */
export interface Hubs {
  /** The hub of a log, opened if it isn't. Throws `CLOSED`, or `TOO_MANY_CHANNELS`. */
  get(log: ChannelLog, behind: Behind): Hub
  /** The hub of a log, if it is there. */
  find(key: string): Hub | undefined
  readonly closed: boolean
  close(): Promise<void>
}

interface Entry {
  readonly hub: Hub
  /** Since when nobody reads; `undefined` while somebody does. */
  idleSince: number | undefined
  checkAt: number
}

const tickMs = 1_000
/** Backends forget a log without events minutes after its last use, and a check is a use. */
const longestCheckMs = 450_000

/** Creates the hubs of a process. One timer, there only while there are hubs, closes idle ones and checks positions. */
export function createHubs(options: HubsOptions): Hubs {
  const { clock, report } = options
  const elapsedMs = elapsedTime(clock)
  const entries = new Map<string, Entry>()
  let closed = false
  let crowdedUntilMs = 0
  let cancelTick: (() => void) | undefined

  function tick(): void {
    const now = elapsedMs()
    closeIdle(options.lingerMs)
    for (const entry of entries.values()) {
      if (now < entry.checkAt) continue
      entry.checkAt = nextCheck()
      entry.hub.check()
    }
    cancelTick = entries.size > 0 ? clock.after(tickMs, tick) : undefined
  }

  /** Closes hubs that nobody has read for so long. */
  function closeIdle(lingerMs: number): void {
    const now = elapsedMs()
    for (const [key, entry] of entries) {
      entry.idleSince = entry.hub.readers() > 0 ? undefined : (entry.idleSince ?? now)
      if (entry.idleSince === undefined || now - entry.idleSince < lingerMs) continue
      entries.delete(key)
      void closeHub(entry.hub)
    }
  }

  /** Makes room for one more hub, looking for idle ones not more often than once a tick. */
  function makeRoom(): void {
    const { maxOpen } = options
    if (entries.size < maxOpen) return
    if (elapsedMs() >= crowdedUntilMs) {
      closeIdle(0)
      crowdedUntilMs = elapsedMs() + tickMs
    }
    if (entries.size >= maxOpen) throw tooManyOpen(maxOpen)
  }

  // Hubs that were opened together are checked at different times.
  function nextCheck(): number {
    return elapsedMs() + Math.min(options.positionCheckMs * (0.5 + clock.random()), longestCheckMs)
  }

  async function closeHub(hub: Hub): Promise<void> {
    try {
      await hub.close()
    } catch (error) {
      report(error, 'close', hub.log)
    }
  }

  return {
    get closed() {
      return closed
    },
    get(log, behind) {
      if (closed) throw new RealtimeError('CLOSED', 'The channels were closed. Create new ones.')
      const found = entries.get(log.key)
      if (found) {
        found.idleSince = undefined
        return found.hub
      }
      makeRoom()
      const hub = createHub({
        ...options,
        log,
        behind,
        report: (error, stage) => report(error, stage, log),
      })
      entries.set(log.key, { hub, idleSince: undefined, checkAt: nextCheck() })
      cancelTick ??= clock.after(tickMs, tick)
      return hub
    },
    find: (key) => entries.get(key)?.hub,
    async close() {
      closed = true
      cancelTick?.()
      const hubs = [...entries.values()]
      entries.clear()
      await Promise.all(hubs.map(({ hub }) => closeHub(hub)))
    },
  }
}

function tooManyOpen(count: number): RealtimeError {
  const message = `This process reads ${count} channels at a time, which is its limit (maxOpenChannels of createChannels). Try again later, or raise it.`
  return new RealtimeError('TOO_MANY_CHANNELS', message)
}
