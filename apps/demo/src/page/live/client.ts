import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { type TabRole, tabs } from '@trpc-sse/client/tabs'
import superjson from 'superjson'
import type { AppRouter } from '../../server/router.ts'
import { token } from '../session/session.ts'
import { sessionLink } from '../session/session-link.ts'
import { devtools } from './devtools.ts'
import { createNetwork } from './network.ts'
import { createStore } from './store.ts'

/** Identifies this page, so that the server can cut its connection and no other. */
export const pageId: string = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) =>
  byte.toString(16).padStart(2, '0'),
).join('')

export const network = createNetwork()

/** Whether this tab holds the connection for all tabs; `undefined` until that is decided. */
export const role = createStore<TabRole | undefined>(undefined)

/** Identifies the user. It is called for every request, so it sends the current token. */
export function headers(): Record<string, string> {
  const now = token()
  return now === undefined ? {} : { authorization: `Bearer ${now}` }
}

export const trpc = createTRPCClient<AppRouter>({
  links: [
    sessionLink,
    devtools.link(),
    sseLink(
      devtools.options({
        url: `/trpc?page=${pageId}`,
        transformer: superjson,
        headers,
        fetch: network.fetch,
        // A visitor who watches the countdown expects a quick return.
        retry: { maxMs: 1_000 },
        // Tabs of the same session share the connection. Their addresses differ: each has its page.
        shareAcrossTabs: tabs({ identity: () => token() ?? 'guest', onRole: role.set }),
      }),
    ),
    httpBatchLink({ url: '/trpc', transformer: superjson, headers, fetch: network.fetch }),
  ],
})
