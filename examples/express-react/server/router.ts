import { initTRPC, TRPCError } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { z } from 'zod'
import { choices } from '../choices.ts'
import type { Session } from './session.ts'

const choice = z.enum(choices)
const vote = z.object({ user: z.string(), choice })

export const channels = createChannels({ channels: { votes: channel({ event: vote }) } })

/** The latest vote of each user. In your app, it is in the database. */
const votes = new Map<string, z.infer<typeof vote>>()

const t = initTRPC.context<Session & { disconnect(user: string): void }>().create()

const forUsers = t.procedure.use(({ ctx: { user }, next }) => {
  if (user === undefined) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Sign in first.' })
  return next({ ctx: { user } })
})

export const appRouter = t.router({
  /** Sends all votes, then each new one. After a gap, it sends all votes again. */
  onVotes: forUsers.subscription((opts) => channels.votes().live(opts, () => [...votes.values()])),

  vote: forUsers.input(choice).mutation(({ ctx: { user }, input }) => {
    votes.set(user, { user, choice: input })
    return channels.votes().publish({ user, choice: input })
  }),

  me: t.procedure.query(({ ctx }) => ctx.user ?? null),
  // The example has no password: check yours here.
  signIn: t.procedure
    .input(z.string().trim().min(1).max(40))
    .mutation(({ ctx, input }) => ctx.signIn(input)),
  signOut: forUsers.mutation(({ ctx }) => {
    ctx.signOut()
    ctx.disconnect(ctx.user)
  }),
})

export type AppRouter = typeof appRouter
