import type { AnyTRPCRouter } from '@trpc/server'
import type { ServerLink, ServerLinkOptions } from '@trpc-sse/server'
import {
  type CreateHTTPHandlerOptions,
  createHTTPServer,
} from '@trpc-sse/server/adapters/standalone'
import { listen, type TestServer } from './http.ts'

/** Our server, and its link. */
export interface RouterServer extends TestServer {
  readonly link: ServerLink
}

/** Options of the standalone adapter, for routers without types. */
export type RouterServerOptions = ServerLinkOptions &
  Omit<Partial<CreateHTTPHandlerOptions<AnyTRPCRouter>>, 'router' | 'createContext'> & {
    readonly createContext?: unknown
  }

/** Serves a router with our standalone adapter. */
export async function serveRouter(
  router: AnyTRPCRouter,
  options: RouterServerOptions = {},
): Promise<RouterServer> {
  const { createContext = () => ({}), ...rest } = options
  const server = createHTTPServer({
    router,
    onError: () => {},
    ...rest,
    createContext,
  } as CreateHTTPHandlerOptions<AnyTRPCRouter>)
  return Object.assign(await listen(server), { link: server.link })
}
