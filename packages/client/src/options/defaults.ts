import { type Clock, RealtimeError, shortHash, startTimer } from '@trpc-sse/protocol'
import { noPositions, type Positions } from '../set/positions.ts'
import { globalDevice } from '../stream/device.ts'
import { checkRetry } from '../stream/retry-policy.ts'
import type { StreamSettings } from '../stream/stream-options.ts'
import { overEventSource } from '../transport/event-source.ts'
import { globalFetch } from '../transport/fetch.ts'
import type { SseLinkBaseOptions } from './options.ts'

/**
 * A clock whose timers keep the process alive: a process that waits for the next attempt must not
 * end.
 */
const waitingClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  after(delayMs, callback) {
    const timer = startTimer(delayMs, callback)
    return () => clearTimeout(timer)
  },
}

/**
 * Fills in the defaults. Throws `INVALID_OPTION` for an invalid time, a missing url, and options
 * that contradict each other.
 */
export function streamSettings(options: SseLinkBaseOptions): StreamSettings {
  checkUrl(options.url)
  const { connectTimeoutMs = 15_000, inactivityTimeoutMs, hiddenTimeoutMs = Infinity } = options
  checkTimes({ connectTimeoutMs, inactivityTimeoutMs, hiddenTimeoutMs })
  return {
    clock: options.clock ?? waitingClock,
    fetch: options.fetch ?? globalFetch,
    receive: overEventSource(options),
    device: options.device ?? globalDevice,
    retry: checkRetry(options.retry),
    connectTimeoutMs,
    inactivityTimeoutMs,
    hiddenTimeoutMs,
  }
}

/**
 * Loads the code that keeps positions over a reload, if `persist` is given. If that fails, nothing
 * is kept. Throws `INVALID_OPTION`.
 */
export function loadPositions(
  { persist: storage, persistForMs: forMs = 3_600_000, url }: SseLinkBaseOptions,
  { clock, device }: StreamSettings,
): Promise<Positions> | undefined {
  checkTimes({ persistForMs: forMs })
  return (
    storage &&
    import('../set/persisted-positions.ts').then(
      ({ PersistedPositions }) =>
        new PersistedPositions({
          clock,
          device,
          storage,
          url: typeof url === 'function' ? '' : String(url),
          forMs,
          hash: shortHash,
        }),
      () => noPositions,
    )
  )
}

/** JavaScript can pass anything: `url` may come from an environment variable that isn't set. */
function checkUrl(url: unknown): void {
  // `instanceof` would reject a URL of another window.
  if (url && ['string', 'object', 'function'].includes(typeof url)) return
  const message = `url is ${JSON.stringify(url)}: give the address of the tRPC endpoint, or a function.`
  throw new RealtimeError('INVALID_OPTION', message)
}

function checkTimes(times: Readonly<Record<string, number | undefined>>): void {
  for (const [name, ms] of Object.entries(times)) {
    if (ms === undefined || ms > 0) continue
    throw new RealtimeError('INVALID_OPTION', `${name} is ${ms}: give milliseconds above 0.`)
  }
}
