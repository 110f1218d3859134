import { createServer, type Server } from 'node:http'
import { pageFolder } from '../build/page-folder.ts'
import { withCuts } from './cuts.ts'
import { startInstances } from './instances.ts'
import { listen } from './listen.ts'
import { createDoor } from './load-balancer.ts'
import { onceAsked } from './on-shutdown.ts'

interface Demo {
  readonly server: Server
  readonly about: string
  close(): Promise<void>
}

/** With a Redis to share the events through, two servers behind one address. */
async function startBehindDoor(): Promise<Demo> {
  const { ports, close } = await startInstances(2)
  const server = createServer(withCuts(createDoor(ports)))
  return {
    server,
    about: 'two servers behind one address, events in Redis',
    async close() {
      server.close()
      await close()
    },
  }
}

/** Without one, this process serves everything. */
async function startAlone(): Promise<Demo> {
  const { createInstance } = await import('./instance.ts')
  const { server, close } = await createInstance(1, withCuts)
  return { server, about: 'one server, events in memory', close }
}

/** Built before anything listens: two instances would build it twice. */
await pageFolder()
const demo = await (process.env.REDIS_URL ? startBehindDoor() : startAlone())
onceAsked(demo.close)
try {
  const port = await listen(demo.server)
  console.log(`
  trpc-sse demo: ${demo.about}

    http://localhost:${port}

  Open it in several tabs. Ctrl+C stops it.
`)
} catch (error) {
  console.error(`The demo can't listen: ${error instanceof Error ? error.message : error}`)
  await demo.close()
  process.exit(1)
}
