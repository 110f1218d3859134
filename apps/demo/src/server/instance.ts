import { createServer, type RequestListener, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { abandonAnswers, killOnDemand } from './answers.ts'
import { createApp } from './app.ts'
import { channels } from './channels.ts'
import { health } from './health.ts'
import { publishLoad } from './load.ts'
import { publishPrices } from './prices.ts'
import { stopBackground, stopping } from './stopping.ts'
import { publishUse } from './use.ts'

/** A server instance that is not listening yet. */
export interface Instance {
  readonly server: Server
  /** Drains the connections, so that clients move to other instances, and stops background work. */
  close(): Promise<void>
}

/** Creates one server instance. `wrap` wraps its handler. */
export async function createInstance(
  instance: number,
  wrap: (handle: RequestListener) => RequestListener = (handle) => handle,
): Promise<Instance> {
  const { handle, link } = await createApp(instance)
  const server = createServer(wrap(handle))
  const background = Promise.all([
    publishPrices(stopping),
    publishLoad(instance, link.stats, stopping),
    publishUse(instance, link.connections, stopping),
    health.watch(stopping),
    killOnDemand(stopping),
  ])
  return {
    server,
    async close() {
      server.close()
      stopBackground()
      // If there is another instance, clients move to it within a second. If not, waiting longer
      // gains nothing.
      await Promise.race([link.drain(), sleep(1_000)])
      server.closeAllConnections()
      await Promise.all([background, abandonAnswers()])
      await channels.close()
    },
  }
}
