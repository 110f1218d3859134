import { EventEmitter, on } from 'node:events'
import { backendName, channels } from './channels.ts'
import { pause } from './repeat.ts'

/** The state of this server. */
export interface Health {
  readonly backend: 'memory' | 'redis'
  /** Whether the backend answers. */
  readonly reachable: boolean
  /** The number of servers that share the backend behind this address. */
  readonly instances: number
}

const changed = new EventEmitter().setMaxListeners(0)
let current: Health = {
  backend: backendName,
  reachable: true,
  instances: Number(process.env.DEMO_INSTANCES ?? 1),
}

/** Observes this server's health. */
export const health = {
  /** Yields the current health, then each change until the signal aborts. */
  async *changes(signal: AbortSignal | undefined): AsyncGenerator<Health, void> {
    // Listen before the first yield, so that no change is lost in between.
    const changes = on(changed, 'change', { signal })
    yield current
    try {
      for await (const _ of changes) yield current
    } catch (error) {
      if (!signal?.aborted) throw error
    }
  },

  /** Pings the backend every second. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && backendName === 'redis') {
      const reachable = await ping()
      if (signal.aborted) return
      if (reachable !== current.reachable) setReachable(reachable)
      await pause(1_000, signal)
    }
  },
}

async function ping(): Promise<boolean> {
  try {
    await channels.prices().lastEventId()
    return true
  } catch {
    return false
  }
}

function setReachable(reachable: boolean): void {
  current = { ...current, reachable }
  console.log(reachable ? 'Redis answers again.' : 'Redis does not answer. Waiting for it.')
  changed.emit('change')
}
