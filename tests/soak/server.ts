// A server process of the soak. It sends its port, and its figures on request. It can step its
// clock.
import { readdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { type StoreAddress, soakChannels, soakRouter } from './app.ts'

/** The resources that a server process uses, after a garbage collection. */
export interface ProcessFigures {
  readonly heapBytes: number
  readonly descriptors: number
}

const now = Date.now
let clockOffsetMs = 0
Date.now = () => now() + clockOffsetMs

const address = JSON.parse(process.env.SOAK_STORE ?? '') as StoreAddress
const channels = soakChannels(address)
const server = createHTTPServer({
  router: soakRouter(channels),
  channels,
  retryMs: 100,
  heartbeatMs: 2_000,
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})

process.on('message', (message: { readonly clockOffsetMs?: number }) => {
  if (message.clockOffsetMs !== undefined) clockOffsetMs = message.clockOffsetMs
  else process.send?.({ figures: figures() })
})
process.on('SIGTERM', () => {
  void server.link.drain({ overMs: 500 }).then(() => process.exit())
})
// The soak has ended.
process.on('disconnect', () => process.exit())

function figures(): ProcessFigures {
  globalThis.gc?.()
  return {
    heapBytes: process.memoryUsage().heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
  }
}
