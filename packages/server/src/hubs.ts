import { type Clock, elapsedTime, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from './backend.ts'
import type { Behind } from './channel.ts'
import type { Codec } from './codec.ts'
import { createHub, type ErrorStage, type Hub } from './hub.ts'
import type { WindowLimits } from './window.ts'

/** What the hubs of a process are made of. */
export interface HubsOptions {
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
  /** The hub of a log, opened if it isn't. Throws `CLOSED`. */
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

/** Creates the hubs of a process. One timer, there only while there are hubs, closes idle ones and checks positions. */
export function createHubs(options: HubsOptions): Hubs {
  const { clock, report } = options
  const elapsedMs = elapsedTime(clock)
  const entries = new Map<string, Entry>()
  let closed = false
  let cancelTick: (() => void) | undefined

  function tick(): void {
    const now = elapsedMs()
    for (const [key, entry] of entries) {
      entry.idleSince = entry.hub.readers() > 0 ? undefined : (entry.idleSince ?? now)
      if (entry.idleSince !== undefined && now - entry.idleSince >= options.lingerMs) {
        entries.delete(key)
        void closeHub(entry.hub)
      } else if (now >= entry.checkAt) {
        entry.checkAt = nextCheck()
        entry.hub.check()
      }
    }
    cancelTick = entries.size > 0 ? clock.after(tickMs, tick) : undefined
  }

  // Hubs that were opened together are checked at different times.
  function nextCheck(): number {
    return elapsedMs() + options.positionCheckMs * (0.5 + clock.random())
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
      const hub = createHub({ ...options, log, behind, report: (error, stage) => report(error, stage, log) })
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
