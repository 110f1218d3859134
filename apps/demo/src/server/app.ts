import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createHTTPHandler, type HTTPHandler } from '@trpc-sse/server/adapters/standalone'
import { inspector } from '@trpc-sse/server/inspector'
import { channels } from './channels.ts'
import { linkLimits } from './limits.ts'
import { appRouter } from './router.ts'
import { sessionOf } from './sessions.ts'
import { servePage } from './static.ts'
import { isFromThisMachine } from './this-machine.ts'

/** One instance's app: the router below /trpc, and the page. */
export interface App {
  readonly handle: RequestListener
  readonly link: HTTPHandler['link']
}

/** Creates the app of one instance. The page shows `instance`, its number. */
export async function createApp(instance: number): Promise<App> {
  const trpc: HTTPHandler = createHTTPHandler({
    router: appRouter,
    channels,
    basePath: '/trpc',
    createContext: async ({ req }) => ({
      session: await sessionOf(req.headers.authorization),
      endStreams: (user) => trpc.link.disconnect({ key: user }, 'signed out everywhere'),
    }),
    connectionKey: ({ session }) => session?.user,
    // At /trpc/~inspector.
    inspector: inspector({
      name: `instance ${instance}`,
      allow: ({ req }) => isFromThisMachine(req),
    }),
    limits: linkLimits,
    // The load balancer of the instances.
    trustProxy: ['loopback'],
  })
  const page = await servePage()

  function handle(request: IncomingMessage, response: ServerResponse): void {
    if (!request.url?.startsWith('/trpc/')) {
      page(request, response)
      return
    }
    response.setHeader('x-instance', instance)
    trpc(request, response)
  }
  return { handle, link: trpc.link }
}
