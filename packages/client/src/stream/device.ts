import type { Clock } from '@trpc-sse/protocol'

/** What happens to the device, or to the page. */
export type DeviceEvent =
  /** There may be a network again, or the page is looked at again. */
  | 'online'
  | 'shown'
  | 'hidden'
  /** The page is put away, and may be brought back; and it is back. */
  | 'left'
  | 'back'

/** What a link knows of the device that it runs on. */
export interface Device {
  /** Whether there is surely no network. */
  isOffline(): boolean
  /** Calls back at every change; returns what undoes that. */
  listen(onEvent: (event: DeviceEvent) => void): () => void
}

/** The device by the events of browsers; one that nothing happens to where there are none. */
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

/** What a device can do to a stream. */
export interface DeviceTarget {
  /** Lets go of the stream until {@link wake}. */
  suspend(): void
  /** Looks whether the stream is alive; if there is none, it is time to open one. */
  wake(): void
}

/** Lets a stream go while nobody looks at the page for longer than `hiddenTimeoutMs`; returns what ends that. */
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
    // A page with an open request can't be put away to be brought back as it was.
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
