import { channels } from './channels.ts'
import { health } from './health.ts'
import { procedure, router } from './trpc.ts'

const replay = 8

export const systemRouter = router({
  /**
   * The server's health, then each change. It needs no channel, because any generator can be a
   * subscription.
   */
  onHealth: procedure.subscription(async function* ({ signal }) {
    yield* health.changes(signal)
  }),

  /** The load of all instances, whichever of them serves this subscription. */
  onLoad: procedure.subscription((opts) => channels.load().subscribe({ ...opts, replay })),
})
