/** A process that only publishes: `publisher.ts <publisher> <URL of Redis>`. */

import { createTick } from '../payload.ts'
import type { Publisher } from '../publishers/publisher.ts'
import { cpuTimeUs } from './cpu.ts'
import { answerCalls } from './peer.ts'

/** The methods of the publisher's process. */
export interface PublisherMethods {
  /** Publishes `events` events, with `inFlight` of them in flight. */
  publish(params: { events: number; inFlight: number; bytes: number }): Promise<PublishLoad>
}

/** The cost of publishing for this process. */
export interface PublishLoad {
  readonly elapsedMs: number
  readonly cpuUs: number
}

const [, , name, url = ''] = process.argv
const module: { createPublisher(url: string): Publisher } = await import(`../publishers/${name}.ts`)
const { size, publish } = module.createPublisher(url)
let published = 0

answerCalls<PublisherMethods>({
  async publish({ events, inFlight, bytes }) {
    const before = { cpuUs: cpuTimeUs(), atMs: performance.now() }
    const end = published + events
    const goOn = async (): Promise<void> => {
      while (published < end)
        await publish(Array.from({ length: size }, () => createTick(++published, bytes)))
    }
    await Promise.all(Array.from({ length: inFlight / size }, goOn))
    return { elapsedMs: performance.now() - before.atMs, cpuUs: cpuTimeUs() - before.cpuUs }
  },
})
