import { writeFileSync } from 'node:fs'
import type { Device, DeviceEvent } from '@trpc-sse/client'
import { expect, it } from 'vitest'
import { writeDocFiles } from '../support/doc-files.ts'

it("the device of docs/react-native.md reports the app's state and the network", async () => {
  using files = writeDocFiles('docs/react-native.md', 'device', (code) =>
    code.replace(/'(react-native|@react-native-community\/netinfo)'/g, "'./phone.ts'"),
  )
  writeFileSync(files.path('phone.ts'), phone)
  const { dispatch, connect, listeners }: Phone = await import(files.path('phone.ts'))
  const { device }: { device: Device } = await import(files.path('device.ts'))
  const events: DeviceEvent[] = []
  const unlisten = device.listen((event) => events.push(event))
  for (const state of ['inactive', 'background', 'active']) dispatch(state)
  expect(events.splice(0)).toEqual(['left', 'back'])

  connect(false)
  expect([device.isOffline(), events]).toEqual([true, []])
  connect(true)
  expect([device.isOffline(), events]).toEqual([false, ['online']])
  unlisten()
  expect(listeners()).toBe(0)
})

interface Phone {
  dispatch(state: string): void
  connect(isConnected: boolean): void
  listeners(): number
}

/** A phone that the test controls. It replaces the packages for real phones. */
const phone = `
const app = new Set()
const network = new Set()
export const AppState = {
  addEventListener(type, listener) {
    app.add(listener)
    return { remove: () => app.delete(listener) }
  },
}
export function addEventListener(listener) {
  network.add(listener)
  return () => network.delete(listener)
}
export const dispatch = (state) => app.forEach((listener) => listener(state))
export const connect = (isConnected) => network.forEach((listener) => listener({ isConnected }))
export const listeners = () => app.size + network.size
`
