import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import type { AppRouter } from './router.ts'

const url = `http://localhost:${process.env.PORT ?? 3000}/trpc`
// Called before each request, including reconnects, so the token is never stale.
const headers = () => ({ authorization: `Bearer ${process.env.TOKEN}` })

export const client = createTRPCClient<AppRouter>({
  links: [
    sseLink({
      url,
      headers,
      onGap: () => console.log('(messages are missing here: the server has lost them)'),
    }),
    httpBatchLink({ url, headers }),
  ],
})
