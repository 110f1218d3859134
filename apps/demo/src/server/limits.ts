import { once } from 'node:events'
import { limits } from '../shared/limits.ts'
import { channels } from './channels.ts'
import { router, userProcedure } from './trpc.ts'

const instances = Number(process.env.DEMO_INSTANCES ?? 1)

/** The limits of each instance's link. */
export const linkLimits = {
  // Each instance counts for itself.
  connectionsPerKey: Math.floor(limits.connections / instances),
  connectionsPerAddress: 1_000,
  subscriptionsPerConnection: limits.subscriptions,
}

export const limitsRouter = router({
  /** The streams and subscriptions that the user has on each instance. */
  onUse: userProcedure.subscription((opts) =>
    channels.use({ user: opts.ctx.session.user }).live(opts),
  ),

  /** A stream that is open and sends nothing, to reach a limit with. */
  onNothing: userProcedure.subscription(async function* ({ signal }) {
    if (signal) await once(new EventTarget(), 'never', { signal }).catch(() => {})
    yield* []
  }),
})
