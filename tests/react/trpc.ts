import { QueryClient } from '@tanstack/react-query'
import { createTRPCClient, httpLink } from '@trpc/client'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { sseLink } from '@trpc-sse/client'
import type { ReactRouter } from './app.ts'

/** The app's queries: what has come stays, as its subscriptions keep it up to date. */
export const queryClient: QueryClient = new QueryClient({
  defaultOptions: { queries: { staleTime: Infinity } },
})

const url = '/trpc'
/** The client of the page. */
export const client = createTRPCClient<ReactRouter>({
  links: [sseLink({ url, retry: { baseMs: 20, maxMs: 100 } }), httpLink({ url })],
})

export const trpc = createTRPCOptionsProxy<ReactRouter>({ client, queryClient })
