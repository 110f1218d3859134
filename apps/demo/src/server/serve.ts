import { createServer, type RequestListener, type Server } from 'node:http'
import { createApp } from './app.ts'
import { channels } from './channels.ts'
import { health } from './health.ts'
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
  const background = Promise.all([publishPrices(stopping), health.watch(stopping)])
  return {
    server,
    async close() {
      server.close()
      stopBackground()
      await link.drain()
      await background
      await channels.close()
    },
  }
}
