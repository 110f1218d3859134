import type { Device, DeviceEvent } from '@trpc-sse/client'

/** A device that the test controls. */
export interface FakeDevice extends Device {
  dispatch(event: DeviceEvent): void
  setOffline(isOffline: boolean): void
  /** The number of listeners. */
  listeners(): number
}

/** Creates a device with a network and a visible page. */
export function fakeDevice(): FakeDevice {
  const listeners = new Set<(event: DeviceEvent) => void>()
  let offline = false
  return {
    isOffline: () => offline,
    listen(onEvent) {
      listeners.add(onEvent)
      return () => listeners.delete(onEvent)
    },
    dispatch(event) {
      for (const listener of [...listeners]) listener(event)
    },
    setOffline(isOffline) {
      offline = isOffline
      if (!offline) this.dispatch('online')
    },
    listeners: () => listeners.size,
  }
}
