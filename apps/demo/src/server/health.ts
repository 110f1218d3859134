import { EventEmitter, on } from 'node:events'
import { backendName, channels } from './channels.ts'
import { pause } from './repeat.ts'

/** How this server is. */
export interface Health {
  readonly backend: 'memory' | 'redis'
  /** Whether the backend answers. */
  readonly reachable: boolean
  /** How many servers share the backend behind this address. */
  readonly instances: number
}

const changed = new EventEmitter().setMaxListeners(0)
let current: Health = {
  backend: backendName,
  reachable: true,
  instances: Number(process.env.DEMO_INSTANCES ?? 1),
}

/** This server's health, and what keeps it up to date. */
export const health = {
  /** What it is, and then each change until the signal aborts. */
  async *changes(signal: AbortSignal | undefined): AsyncGenerator<Health, void> {
    // Listening starts before the first yield: a change in between is not lost.
    const changes = on(changed, 'change', { signal })
    yield current
    try {
      for await (const _ of changes) yield current
    } catch (error) {
      if (!signal?.aborted) throw error
    }
  },

  /** Asks the backend for a sign of life every second. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && backendName === 'redis') {
      const reachable = await answers()
      if (signal.aborted) return
      if (reachable !== current.reachable) tell(reachable)
      await pause(1_000, signal)
    }
  },
}

async function answers(): Promise<boolean> {
  try {
    await channels.prices().lastEventId()
    return true
  } catch {
    return false
  }
}

function tell(reachable: boolean): void {
  current = { ...current, reachable }
  console.log(reachable ? 'Redis answers again.' : 'Redis does not answer. Waiting for it.')
  changed.emit('change')
}
