import { channels, point } from './channels.ts'
import { router, userProcedure } from './trpc.ts'

export const boardRouter = router({
  /** The cursors of all people, then each move. A slow client gets the newest of each. */
  onCursor: userProcedure.subscription((opts) => channels.cursors().live(opts)),

  /** Moves one's own cursor. The page sends at most one move in each frame. */
  move: userProcedure.input(point).mutation(async ({ input, ctx: { session } }) => {
    await channels.cursors().set(session.user, { ...input, name: session.name })
  }),

  leave: userProcedure.mutation(async ({ ctx: { session } }) => {
    await channels.cursors().delete(session.user)
  }),
})
