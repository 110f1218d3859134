/** The server under measurement, in a process of its own: `server.ts <target>`. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { createTick } from './payload.ts'
import { answerCalls } from './peer.ts'
import { profiled } from './profile.ts'
import type { Target } from './targets/target.ts'

/** What a load has cost. */
export interface LoadResult {
  readonly events: number
  readonly deliveries: number
  readonly elapsedMs: number
  /** User and system time of this process. */
  readonly cpuUs: number
}

/** How an event source is run. */
export interface LoadParams {
  readonly subscribers: number
  readonly forMs: number
  /** Deliveries that may be on their way. */
  readonly inFlight: number
  /** Waits this long after each event that has arrived everywhere; `undefined`: one event in each turn of the loop. */
  readonly pauseMs?: number
  /** The file that a CPU profile goes to. */
  readonly profile?: string | undefined
}

const stalledMs = 20_000
const target = await createTarget(process.argv[2] ?? '')
let published = 0
/** What the clients have counted so far. */
let received = 0
let onReceived = (): void => {}

/** What the server can be asked. */
export interface ServerMethods {
  start(): Promise<{ port: number; path: string }>
  load(params: LoadParams): Promise<LoadResult>
  usage(): Promise<{ memory: NodeJS.MemoryUsage; cpuUs: number }>
}

answerCalls<ServerMethods>(
  {
    async start() {
      target.server.listen(0, '127.0.0.1', 4_096)
      await once(target.server, 'listening')
      return { port: (target.server.address() as AddressInfo).port, path: target.path }
    },
    load: ({ profile, ...params }) => (profile ? profiled(profile, () => load(params)) : load(params)),
    async usage() {
      const cpuUs = cpuTime()
      for (let i = 0; i < 4; i++) {
        globalThis.gc?.()
        await pause(100)
      }
      return { memory: process.memoryUsage(), cpuUs }
    },
  },
  (count) => {
    received = count
    onReceived()
  },
)

async function createTarget(name: string): Promise<Target> {
  const module: { createTarget(): Target } = await import(`./targets/${name}.ts`)
  return module.createTarget()
}

/** Publishes for a time, and waits until all of it has arrived. */
async function load({ subscribers, forMs, inFlight, pauseMs }: LoadParams): Promise<LoadResult> {
  const before = { events: published, received, cpuUs: cpuTime(), atMs: performance.now() }
  while (performance.now() - before.atMs < forMs) {
    target.publish(createTick(++published))
    if (pauseMs === undefined) await nextTurn()
    await receivedAtLeast(published * subscribers - inFlight)
    if (pauseMs !== undefined) await pause(pauseMs)
  }
  await receivedAtLeast(published * subscribers)
  return {
    events: published - before.events,
    deliveries: received - before.received,
    elapsedMs: performance.now() - before.atMs,
    cpuUs: cpuTime() - before.cpuUs,
  }
}

async function receivedAtLeast(count: number): Promise<void> {
  if (received >= count) return
  await new Promise<void>((resolve, reject) => {
    const stalled = setTimeout(
      () => reject(new Error(`Of ${count} deliveries only ${received} arrived within ${stalledMs} ms`)),
      stalledMs,
    )
    onReceived = () => {
      if (received < count) return
      clearTimeout(stalled)
      resolve()
    }
  })
}

function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
