import { initTRPC } from '@trpc/server'
import { isRealtimeError } from '@trpc-sse/server'
import superjson from 'superjson'

const t = initTRPC.create({
  transformer: superjson,
  // The page shows why an event was refused: the issues of the channel's schema, with their paths.
  errorFormatter({ shape, error: { cause } }) {
    const issues = isRealtimeError(cause) ? cause.issues : []
    return { ...shape, data: { ...shape.data, issues } }
  },
})

export const { router, procedure } = t
