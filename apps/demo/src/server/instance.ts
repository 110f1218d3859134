import { createServer, type RequestListener, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApp } from './app.ts'
import { channels } from './channels.ts'
import { health } from './health.ts'
import { publishLoad } from './load.ts'
import { publishPrices } from './prices.ts'
import { stopBackground, stopping } from './stopping.ts'

/** A server instance that is not listening yet. */
export interface Instance {
  readonly server: Server
  /** Sends the streams away, so that their clients go on elsewhere, and ends what runs in the background. */
  close(): Promise<void>
}

/** Creates one server instance. `front` wraps what it serves. */
export async function createInstance(
  instance: number,
  front: (handle: RequestListener) => RequestListener = (handle) => handle,
): Promise<Instance> {
  const { handle, link } = await createApp(instance)
  const server = createServer(front(handle))
  const background = Promise.all([
    publishPrices(stopping),
    publishLoad(instance, link.stats, stopping),
    health.watch(stopping),
  ])
  return {
    server,
    async close() {
      server.close()
      stopBackground()
      // Who has another instance to go to is there within a second. For the others, waiting would change nothing.
      await Promise.race([link.drain(), sleep(1_000)])
      server.closeAllConnections()
      await background
      await channels.close()
    },
  }
}
