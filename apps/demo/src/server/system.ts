import { channels } from './channels.ts'
import { health } from './health.ts'
import { procedure, router } from './trpc.ts'

const replay = 8

export const systemRouter = router({
  /** How the server is, now and whenever that changes. No channel: any generator can be a subscription. */
  onHealth: procedure.subscription(async function* ({ signal }) {
    yield* health.changes(signal)
  }),

  /** What every instance serves: whichever answers, it has the news of all of them. */
  onLoad: procedure.subscription((opts) => channels.load().subscribe({ ...opts, replay })),
})
