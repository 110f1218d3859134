import type { Device, DeviceEvent } from '@trpc-sse/client'

/** A device to which things happen when a test says so. */
export interface FakeDevice extends Device {
  tell(event: DeviceEvent): void
  setOffline(isOffline: boolean): void
  /** How many listen. */
  listeners(): number
}

/** Creates a device that has a network, and a page that is looked at. */
export function fakeDevice(): FakeDevice {
  const listeners = new Set<(event: DeviceEvent) => void>()
  let offline = false
  return {
    isOffline: () => offline,
    listen(onEvent) {
      listeners.add(onEvent)
      return () => listeners.delete(onEvent)
    },
    tell(event) {
      for (const listener of [...listeners]) listener(event)
    },
    setOffline(isOffline) {
      offline = isOffline
      if (!offline) this.tell('online')
    },
    listeners: () => listeners.size,
  }
}
