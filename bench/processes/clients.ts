/**
 * All clients, in a separate process. They are TCP sockets that speak just enough HTTP, so that the
 * server is the bottleneck.
 */

import { once } from 'node:events'
import net from 'node:net'
import { percentile } from '../stats.ts'
import { createCounter } from './counter.ts'
import { cpuTimeUs } from './cpu.ts'
import { answerCalls, sendToParent } from './peer.ts'

/** Times from publish to receive, in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly samples: number
}

/** The methods of the clients' process. */
export interface ClientsMethods {
  /** Opens connections, `atOnce` at a time. Resolves when each has received its first bytes. */
  connect(params: ConnectParams): Promise<void>
  /** Starts to report the count after every `every` deliveries. `timed` measures each delivery. */
  report(params: { every: number; timed: boolean }): void
  /** The times measured since `report`. */
  latency(): Latency
  /** The traffic since `report`. */
  traffic(): { readonly deliveries: number; readonly bytes: number }
  /** User and system time of this process, in microseconds. */
  cpuUs(): number
  /** All events received so far. */
  received(): number
  /** The id of the last event, if there is one connection. */
  lastEventId(): string
  /** Makes stalled connections read again. */
  resume(): void
  /**
   * Waits until `count` events have arrived, none has arrived for `quietMs`, or `forMs` are over.
   * Returns how many arrived, and when the last one did, counted from the last `connect` or
   * `resume`.
   */
  arrived(params: ArrivedParams): Promise<{ received: number; elapsedMs: number }>
  /** Closes all connections. */
  disconnect(): Promise<void>
}

/** Where to connect, and how. */
export interface ConnectParams {
  readonly port: number
  /** The requests that connections write, in turn. */
  readonly requests: readonly string[]
  readonly count: number
  /** The connections that are opened at a time. */
  readonly atOnce?: number
  /** Whether to stop reading after the first bytes. */
  readonly stalls?: boolean
}

/** The events to wait for, and the time limits. */
export interface ArrivedParams {
  readonly count: number
  readonly quietMs: number
  readonly forMs: number
}

const reportEveryMs = 10
const lookEveryMs = 5
// All sockets share one buffer, because each read is counted before the next one.
const buffer = Buffer.allocUnsafe(65_536)
const sockets = new Set<net.Socket>()
const counter = createCounter(buffer, sendToParent)
let beganMs = 0

answerCalls<ClientsMethods>({
  async connect({ port, requests, count, atOnce = 100, stalls = false }) {
    beganMs = performance.now()
    for (let opened = 0; opened < count; opened += atOnce) {
      const batch = Array.from({ length: Math.min(atOnce, count - opened) }, (_, i) =>
        open(port, requests[(opened + i) % requests.length] ?? '', stalls),
      )
      await Promise.all(batch)
    }
  },
  report: counter.start,
  latency: () => ({
    p50: percentile(counter.timesMs, 0.5),
    p99: percentile(counter.timesMs, 0.99),
    samples: counter.timesMs.length,
  }),
  traffic: counter.traffic,
  cpuUs: cpuTimeUs,
  received: () => counter.received,
  lastEventId: counter.lastEventId,
  resume() {
    beganMs = performance.now()
    for (const socket of sockets) socket.resume()
  },
  arrived: ({ count, quietMs, forMs }) =>
    new Promise((resolve) => {
      const timer = setInterval(() => {
        const nowMs = performance.now()
        const goesOn =
          nowMs - Math.max(beganMs, counter.lastAtMs) < quietMs && nowMs - beganMs < forMs
        if (counter.received < count && goesOn) return
        clearInterval(timer)
        resolve({ received: counter.received, elapsedMs: counter.lastAtMs - beganMs })
      }, lookEveryMs)
    }),
  async disconnect() {
    const open = [...sockets]
    for (const socket of open) socket.destroy()
    await Promise.all(open.map((socket) => socket.closed || once(socket, 'close')))
  },
})

// Reports the rest of a load, which may be less than a step.
setInterval(counter.report, reportEveryMs)

function open(port: number, request: string, stalls: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let begun = false
    const socket = net.connect({
      host: '127.0.0.1',
      port,
      onread: {
        buffer,
        callback(length) {
          counter.count(length)
          const goesOn = begun || !stalls
          begun = true
          resolve()
          return goesOn
        },
      },
    })
    sockets.add(socket)
    socket.on('error', reject)
    socket.on('close', () => {
      sockets.delete(socket)
      reject(new Error('The server closed a connection'))
    })
    socket.write(request)
  })
}
