import { createServer, type Server } from 'node:http'
import { pageFolder } from '../build/page-folder.ts'
import { withCuts } from './cuts.ts'
import { startInstances } from './instances.ts'
import { listen } from './listen.ts'
import { createLoadBalancer } from './load-balancer.ts'
import { onShutdown } from './on-shutdown.ts'

interface Demo {
  readonly server: Server
  readonly about: string
  close(): Promise<void>
}

/** With Redis: two instances share the events, behind a load balancer. */
async function startTwoInstances(): Promise<Demo> {
  const { ports, close } = await startInstances(2)
  const server = createServer(withCuts(createLoadBalancer(ports)))
  return {
    server,
    about: 'two servers behind one address, events in Redis',
    async close() {
      server.close()
      await close()
    },
  }
}

/** Without Redis: this process serves everything. */
async function startOneInstance(): Promise<Demo> {
  const { createInstance } = await import('./instance.ts')
  const { server, close } = await createInstance(1, withCuts)
  return { server, about: 'one server, events in memory', close }
}

// Build the page before instances start, because each of them would build it.
await pageFolder()
const demo = await (process.env.REDIS_URL ? startTwoInstances() : startOneInstance())
onShutdown(demo.close)
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
