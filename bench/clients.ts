/** All clients, in a process of their own: TCP sockets that speak just enough HTTP, so that the server is what is measured. */

import { once } from 'node:events'
import net from 'node:net'
import { marker, nowUs, timeDigits } from './payload.ts'
import { answerCalls, tellParent } from './peer.ts'
import { percentile } from './stats.ts'

/** Times from publish to receive, in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly samples: number
}

/** What the clients can be asked. */
export interface ClientsMethods {
  /** Opens subscriptions. Resolves once each has had its first bytes. */
  connect(params: { port: number; path: string; count: number }): Promise<void>
  /** Tells the count after each so many deliveries; with `timed`, takes the time of each. */
  report(params: { every: number; timed: boolean }): void
  /** The times taken since `report`. */
  latency(): Latency
  /** Closes all subscriptions. */
  disconnect(): Promise<void>
}

const atOnce = 100
const reportMs = 10
// One for all: a read is looked at before the next one is made.
const buffer = Buffer.allocUnsafe(65_536)
const sockets = new Set<net.Socket>()
let received = 0
let reported = 0
let reportEvery = 1
let timed = false
let timesMs: number[] = []

answerCalls<ClientsMethods>({
  async connect({ port, path, count }) {
    const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`
    for (let opened = 0; opened < count; opened += atOnce) {
      const batch = Array.from({ length: Math.min(atOnce, count - opened) }, () => open(port, request))
      await Promise.all(batch)
    }
  },
  report(params) {
    reportEvery = params.every
    timed = params.timed
    timesMs = []
  },
  latency: () => ({
    p50: percentile(timesMs, 0.5),
    p99: percentile(timesMs, 0.99),
    samples: timesMs.length,
  }),
  async disconnect() {
    const open = [...sockets]
    for (const socket of open) socket.destroy()
    await Promise.all(open.map((socket) => socket.closed || once(socket, 'close')))
  },
})

// What is left below a whole step, at the end of a load.
setInterval(() => received > reported && report(), reportMs)

function report(): void {
  reported = received
  tellParent(received)
}

/** Opens one subscription. */
function open(port: number, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      host: '127.0.0.1',
      port,
      onread: {
        buffer,
        callback(length) {
          count(length)
          resolve()
          return true
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

/** Counts the events among the first bytes of the buffer. */
function count(length: number): void {
  const atUs = timed ? nowUs() : 0
  const bytes = buffer.subarray(0, length)
  for (let at = bytes.indexOf(marker); at !== -1; at = bytes.indexOf(marker, at + 1)) {
    received += 1
    // A time that is cut by the end of a read is left out.
    if (timed && at + timeDigits < length) {
      timesMs.push((atUs - Number(bytes.toString('latin1', at + 1, at + 1 + timeDigits))) / 1_000)
    }
  }
  if (received - reported >= reportEvery) report()
}
