import { QueryClient } from '@tanstack/react-query'
import { createTRPCClient, httpLink, httpSubscriptionLink, splitLink } from '@trpc/client'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { sseLink } from '@trpc-sse/client'
import type { ReactRouter } from './router.ts'

/** The app's queries. They never become stale: subscriptions keep them up to date. */
export const queryClient: QueryClient = new QueryClient({
  defaultOptions: { queries: { staleTime: Infinity } },
})

const url = '/trpc'
// The server renders the same components, but does not subscribe.
const isStock = typeof location !== 'undefined' && location.search === '?stock'
const ourLink = sseLink<ReactRouter>({ url, retry: { baseMs: 20, maxMs: 100 } })

/** The client of the page: with our link, or at `?stock` with tRPC's own. */
export const client = createTRPCClient<ReactRouter>({
  links: [
    splitLink({
      condition: ({ type }) => type === 'subscription',
      true: isStock ? httpSubscriptionLink({ url }) : ourLink,
      false: httpLink({ url }),
    }),
  ],
})

export const trpc = createTRPCOptionsProxy<ReactRouter>({ client, queryClient })
