import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import superjson from 'superjson'
import type { AppRouter } from '../../server/router.ts'
import { createNetwork } from './network.ts'

/** Names this page, so that the server can cut its streams and nobody else's. */
export const pageId: string = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) =>
  byte.toString(16).padStart(2, '0'),
).join('')

export const network = createNetwork()

export const trpc = createTRPCClient<AppRouter>({
  links: [
    sseLink({
      url: `/trpc?page=${pageId}`,
      transformer: superjson,
      fetch: network.fetch,
      // Who watches a countdown wants to see it come back at once.
      retry: { maxMs: 1_000 },
    }),
    httpBatchLink({ url: '/trpc', transformer: superjson, fetch: network.fetch }),
  ],
})
