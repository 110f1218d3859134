import { once } from 'node:events'
import { createRateLimiter } from '@trpc-sse/server'
import { limits } from '../shared/limits.ts'
import { channels } from './channels.ts'
import { router, userProcedure } from './trpc.ts'

/** The limits of the link. Those of a user hold for all instances together. */
export const linkLimits = {
  scope: 'fleet',
  connectionsPerKey: limits.connections,
  subscriptionsPerKey: limits.subscriptions,
  connectionsPerAddress: 1_000,
} as const

/** Bounds how many messages a user sends. */
export const messageLimit = createRateLimiter({
  channels,
  name: 'messages',
  perMinute: limits.messages,
})

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
