import { createDevtools, type Devtools } from '@trpc-sse/devtools'

/** Records the page's subscriptions while it is served by `pnpm dev`. A built page has none. */
export const devtools: Devtools = createDevtools()
