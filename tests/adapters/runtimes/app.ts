/**
 * The app of the adapter cases, for runtimes with a web-standard `fetch`. It is bundled, and
 * imports nothing from Node.
 */
import { fetchRequestHandler, linkOf } from '@trpc-sse/server/adapters/fetch'
import { createAdapterApp } from '@trpc-sse/server/testing'

/** Creates a handler that serves the app at `/trpc`, and drains it at `/drain`. */
export function createHandler(
  options: { heartbeatMs?: number } = {},
): (req: Request) => Promise<Response> {
  const app = createAdapterApp()
  return async (req) => {
    if (new URL(req.url).pathname === '/drain') {
      await linkOf(app.router)?.drain()
      return new Response('drained')
    }
    return await fetchRequestHandler({
      ...app,
      ...options,
      req,
      endpoint: '/trpc',
      createContext: ({ resHeaders, info }) =>
        app.createContext({
          header: (name) => req.headers.get(name),
          addCookie: (cookie) => resHeaders.append('set-cookie', cookie),
          info,
        }),
    })
  }
}
