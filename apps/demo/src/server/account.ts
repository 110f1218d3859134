import { z } from 'zod'
import { freeName } from './names.ts'
import { endSessions, nameSchema, startSession, userOf } from './sessions.ts'
import { procedure, router, userProcedure } from './trpc.ts'

export const accountRouter = router({
  /** Signs in: under a name, or under one that nobody has now. */
  signIn: procedure.input(z.object({ name: nameSchema.optional() })).mutation(async ({ input }) => {
    const name = input.name ?? (await freeName())
    return { user: userOf(name), name, token: await startSession(name) }
  }),

  /**
   * Signs the user out in all tabs, on all devices. First, the tokens become invalid. Then all
   * streams end, on every instance: their clients reconnect, and are refused.
   */
  signOutEverywhere: userProcedure.mutation(async ({ ctx }) => {
    await endSessions(ctx.session.user)
    return { streams: await ctx.endStreams(ctx.session.user) }
  }),
})
