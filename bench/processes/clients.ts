/**
 * All clients, in a process of their own: TCP sockets that speak just enough HTTP, so that the
 * server is what is measured.
 */

import { once } from 'node:events'
import net from 'node:net'
import { percentile } from '../stats.ts'
import { createCounter } from './counter.ts'
import { cpuTimeUs } from './cpu.ts'
import { answerCalls, tellParent } from './peer.ts'

/** Times from publish to receive, in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly samples: number
}

/** What the clients can be asked. */
export interface ClientsMethods {
  /** Opens connections, so many at once. Resolves when each has had its first bytes. */
  connect(params: ConnectParams): Promise<void>
  /** Tells the count after each so many deliveries; with `timed`, takes the time of each. */
  report(params: { every: number; timed: boolean }): void
  /** The times taken since `report`. */
  latency(): Latency
  /** What has arrived since `report`. */
  traffic(): { readonly deliveries: number; readonly bytes: number }
  /** User and system time of this process, in microseconds. */
  cpuUs(): number
  /** What has arrived in all. */
  received(): number
  /** The id of the last event that the only connection had. */
  lastEventId(): string
  /** Lets those read on who have stalled. */
  resume(): void
  /**
   * Waits until so many events have arrived in all, none has for a time, or the time is over; says
   * how many, and how long after the beginning of the last `connect` or `resume` the last one came.
   */
  arrived(params: ArrivedParams): Promise<{ received: number; elapsedMs: number }>
  /** Closes all connections. */
  disconnect(): Promise<void>
}

/** Whom to connect to, and how. */
export interface ConnectParams {
  readonly port: number
  /** What they write, in turn. */
  readonly requests: readonly string[]
  readonly count: number
  /** Connections that are opened at a time. */
  readonly atOnce?: number
  /** Whether to stop reading after the first bytes. */
  readonly stalls?: boolean
}

/** What to wait for, and how long. */
export interface ArrivedParams {
  readonly count: number
  readonly quietMs: number
  readonly forMs: number
}

const tellEveryMs = 10
const lookEveryMs = 5
// One for all: a read is looked at before the next one is made.
const buffer = Buffer.allocUnsafe(65_536)
const sockets = new Set<net.Socket>()
const counter = createCounter(buffer, tellParent)
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

// What is left below a whole step, at the end of a load.
setInterval(counter.tell, tellEveryMs)

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
