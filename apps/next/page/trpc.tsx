'use client'

import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { createTRPCContext } from '@trpc/tanstack-react-query'
import { sseLink } from '@trpc-sse/client'
import { type ReactNode, useState } from 'react'
import superjson from 'superjson'
import type { AppRouter } from '../server/router.ts'

const { TRPCProvider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>()

export { useTRPC, useTRPCClient }

function createClient() {
  const options = { url: '/api/trpc', transformer: superjson }
  return createTRPCClient<AppRouter>({ links: [sseLink(options), httpBatchLink(options)] })
}

/** Provides the app's client to its children. */
export function Providers({ children }: { children: ReactNode }) {
  const [trpcClient] = useState(createClient)
  const [queryClient] = useState(() => new QueryClient())
  return (
    <QueryClientProvider client={queryClient}>
      <TRPCProvider trpcClient={trpcClient} queryClient={queryClient}>
        {children}
      </TRPCProvider>
    </QueryClientProvider>
  )
}
