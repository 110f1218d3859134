import type { Clock } from '@trpc-sse/protocol'

/** A change of the device, or of the page. */
export type DeviceEvent =
  /**
   * `online`: there may be a network again. `shown`, `hidden`: the page is now visible, or hidden.
   */
  | 'online'
  | 'shown'
  | 'hidden'
  /**
   * `left`: the page is left, perhaps for the back/forward cache. `back`: it is back from the
   * cache.
   */
  | 'left'
  | 'back'

/** The device that a link runs on. */
export interface Device {
  /** Whether the device reports that there is no network. Retries are then postponed. */
  isOffline(): boolean
  /** Calls back at every change; returns a function that removes the listener. */
  listen(onEvent: (event: DeviceEvent) => void): () => void
}

/** The device according to the browser's events. Outside of pages, it never changes. */
export const globalDevice: Device = {
  isOffline: () => globalThis.navigator?.onLine === false,
  listen(onEvent) {
    const { document, addEventListener } = globalThis
    if (!document || !addEventListener) return () => {}
    const listening = new AbortController()
    const { signal } = listening
    const visibility = (): void =>
      onEvent(document.visibilityState === 'hidden' ? 'hidden' : 'shown')
    document.addEventListener('visibilitychange', visibility, { signal })
    document.addEventListener('resume', visibility, { signal })
    addEventListener('online', () => onEvent('online'), { signal })
    addEventListener('pagehide', () => onEvent('left'), { signal })
    addEventListener('pageshow', ({ persisted }) => persisted && onEvent('back'), { signal })
    return () => listening.abort()
  },
}

/** The stream that changes of the device affect. */
export interface DeviceTarget {
  /** Closes the connection until {@link wake}. */
  suspend(): void
  /** Checks whether the connection is alive. Opens one if there is none. */
  wake(): void
}

/**
 * Suspends a stream while the page is left, or hidden for longer than `hiddenTimeoutMs`. Returns a
 * function that stops following the device.
 */
export function followDevice(
  device: Device,
  clock: Clock,
  hiddenTimeoutMs: number,
  target: DeviceTarget,
): () => void {
  let cancel = (): void => {}
  let isAway = false
  const leave = (): void => {
    isAway = true
    target.suspend()
  }
  const unlisten = device.listen((event) => {
    if (event === 'online') return isAway ? undefined : target.wake()
    cancel()
    // Browsers don't keep a page with an open request in the back/forward cache.
    if (event === 'left') return leave()
    if (event === 'hidden') {
      if (hiddenTimeoutMs < Infinity) cancel = clock.after(hiddenTimeoutMs, leave)
      return
    }
    isAway = false
    target.wake()
  })
  return () => {
    cancel()
    unlisten()
  }
}
