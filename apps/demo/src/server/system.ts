import { health } from './health.ts'
import { procedure, router } from './trpc.ts'

export const systemRouter = router({
  /** How the server is, now and whenever that changes. No channel: any generator can be a subscription. */
  onHealth: procedure.subscription(async function* ({ signal }) {
    yield* health.changes(signal)
  }),
})
