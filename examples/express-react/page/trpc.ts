import { QueryClient } from '@tanstack/react-query'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { sseLink } from '@trpc-sse/client'
import type { AppRouter } from '../server/router.ts'

const url = '/trpc'
export const client = createTRPCClient<AppRouter>({
  links: [sseLink({ url }), httpBatchLink({ url })],
})
export const queryClient = new QueryClient()
export const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient })

/** Asks again which user is signed in. */
export function refreshUser(): Promise<void> {
  return queryClient.invalidateQueries(trpc.me.queryFilter())
}
