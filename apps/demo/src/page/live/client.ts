import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { type TabRole, tabs } from '@trpc-sse/client/tabs'
import superjson from 'superjson'
import type { AppRouter } from '../../server/router.ts'
import { createNetwork } from './network.ts'
import { createStore } from './store.ts'

/** Names this page, so that the server can cut the streams that it has opened, and nobody else's. */
export const pageId: string = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) =>
  byte.toString(16).padStart(2, '0'),
).join('')

export const network = createNetwork()

/** Whether this tab has the connection for the others; `undefined` until it is known. */
export const role = createStore<TabRole | undefined>(undefined)

export const trpc = createTRPCClient<AppRouter>({
  links: [
    sseLink({
      url: `/trpc?page=${pageId}`,
      transformer: superjson,
      fetch: network.fetch,
      // Who watches a countdown wants to see it come back at once.
      retry: { maxMs: 1_000 },
      shareAcrossTabs: tabs({
        // Nobody logs in here: all tabs are the same user. With a login it is () => session.userId.
        identity: () => 'anybody',
        onRole: role.set,
      }),
    }),
    httpBatchLink({ url: '/trpc', transformer: superjson, fetch: network.fetch }),
  ],
})
