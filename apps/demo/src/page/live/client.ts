import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { type TabRole, tabs } from '@trpc-sse/client/tabs'
import superjson from 'superjson'
import type { AppRouter } from '../../server/router.ts'
import { createNetwork } from './network.ts'
import { createStore } from './store.ts'

/** Identifies this page, so that the server can cut its connection and no other. */
export const pageId: string = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) =>
  byte.toString(16).padStart(2, '0'),
).join('')

export const network = createNetwork()

/** Whether this tab holds the connection for all tabs; `undefined` until that is decided. */
export const role = createStore<TabRole | undefined>(undefined)

export const trpc = createTRPCClient<AppRouter>({
  links: [
    sseLink({
      url: `/trpc?page=${pageId}`,
      transformer: superjson,
      fetch: network.fetch,
      // A visitor who watches the countdown expects a quick return.
      retry: { maxMs: 1_000 },
      shareAcrossTabs: tabs({
        // The demo has no login. With one, this is () => session.userId.
        identity: () => 'anybody',
        onRole: role.set,
      }),
    }),
    httpBatchLink({ url: '/trpc', transformer: superjson, fetch: network.fetch }),
  ],
})
