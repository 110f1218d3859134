import { z } from 'zod'
import { channels } from './channels.ts'
import { router, userProcedure } from './trpc.ts'

export const peopleRouter = router({
  /**
   * Who is online. While a tab has this subscription, its user is one of them: once, whatever the
   * number of tabs and devices.
   */
  onPerson: userProcedure
    .input(z.object({ tab: z.string().min(1).max(40) }))
    .subscription(async (opts) => {
      const { user, name, device } = opts.ctx.session
      const { tab } = opts.input
      await Promise.all([
        channels.people().presence.hold(opts, { key: user, value: { name } }),
        channels.tabs().presence.hold(opts, { key: `${device} ${tab}`, value: { user, device } }),
      ])
      return channels.people().presence.live(opts)
    }),

  /** All tabs of all people. The page counts them. */
  onTab: userProcedure.subscription((opts) => channels.tabs().presence.live(opts)),
})
