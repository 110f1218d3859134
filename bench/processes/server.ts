/** The measured server, in a separate process: `server.ts <target> <settings as JSON>`. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Target, TargetSettings } from '../targets/target.ts'
import { cpuTimeUs } from './cpu.ts'
import { createEventSource, type EventSource, type LoadParams, type LoadResult } from './load.ts'
import { createMemoryWatch, type MemoryWatch, settledMemory } from './memory.ts'
import { answerCalls } from './peer.ts'
import { profiled, type SelfTime } from './profile.ts'

/** The methods of the server's process. */
export interface ServerMethods {
  start(): Promise<{ port: number }>
  /** The requests that clients write to subscribe. */
  requests(params: { lastEventId?: string }): readonly string[]
  /** Resolves once there are `count` subscriptions. */
  subscribed(params: { count: number }): Promise<void>
  load(params: LoadParams): Promise<LoadResult>
  store: EventSource['store']
  /** Does the same under the CPU profiler, which writes to a file. Returns the self times. */
  profile(params: LoadParams & { file: string }): Promise<readonly SelfTime[]>
  /** Profiles until `count` subscriptions have been opened. */
  profileOpening(params: { count: number; file: string }): Promise<readonly SelfTime[]>
  usage(): Promise<{ memory: NodeJS.MemoryUsage; cpuUs: number }>
  cpuUs(): number
  watchMemory: MemoryWatch['watch']
  memoryGrowth: MemoryWatch['growth']
}

const subscribeMs = 30_000
const lookEveryMs = 10
// A generator is asked for its first event some time after it was created.
const settleMs = 200

const target = await createTarget(process.argv[2] ?? '', JSON.parse(process.argv[3] ?? '{}'))
const source = createEventSource(target)
const memory = createMemoryWatch()

answerCalls<ServerMethods>(
  {
    async start() {
      target.server.listen(0, '127.0.0.1', 4_096)
      await once(target.server, 'listening')
      return { port: (target.server.address() as AddressInfo).port }
    },
    requests: ({ lastEventId }) => target.requests(lastEventId),
    subscribed,
    load: source.load,
    store: source.store,
    profile: ({ file, ...params }) => profiled(file, () => source.load(params)),
    profileOpening: ({ file, count }) => profiled(file, () => subscribed({ count })),
    async usage() {
      const cpuUs = cpuTimeUs()
      return { cpuUs, memory: await settledMemory() }
    },
    cpuUs: cpuTimeUs,
    watchMemory: memory.watch,
    memoryGrowth: memory.growth,
  },
  source.arrived,
)

async function createTarget(name: string, settings: TargetSettings): Promise<Target> {
  const module: { createTarget(settings: TargetSettings): Target } = await import(
    `../targets/${name}.ts`
  )
  return module.createTarget(settings)
}

async function subscribed({ count }: { count: number }): Promise<void> {
  for (let waitedMs = 0; target.subscribed() < count; waitedMs += lookEveryMs) {
    if (waitedMs > subscribeMs)
      throw new Error(`Of ${count} subscriptions there are ${target.subscribed()}`)
    await pause(lookEveryMs)
  }
  await pause(settleMs)
}
