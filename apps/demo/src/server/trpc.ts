import { initTRPC, TRPCError } from '@trpc/server'
import { isRealtimeError } from '@trpc-sse/server'
import superjson from 'superjson'
import type { Session } from './sessions.ts'

/** What procedures know of their caller. */
export interface Context {
  /** `undefined` for a guest. */
  readonly session: Session | undefined
  /** Ends all streams of a user, on every instance. Resolves to their number. */
  endStreams(user: string): Promise<number>
}

const t = initTRPC.context<Context>().create({
  transformer: superjson,
  // The page shows why an event was refused: the issues of the channel's schema, with their paths.
  errorFormatter({ shape, error: { cause } }) {
    const issues = isRealtimeError(cause) ? cause.issues : []
    return { ...shape, data: { ...shape.data, issues } }
  },
})

export const { router, procedure } = t

/** A procedure for users who are signed in. */
export const userProcedure = procedure.use(({ ctx: { session }, next }) => {
  if (!session) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Sign in first.' })
  return next({ ctx: { session } })
})
