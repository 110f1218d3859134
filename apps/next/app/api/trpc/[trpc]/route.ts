import { fetchRequestHandler, linkOf } from '@trpc-sse/server/adapters/fetch'
import { channels } from '../../../../server/channels.ts'
import { oncePerProcess } from '../../../../server/once-per-process.ts'
import { appRouter } from '../../../../server/router.ts'
import { currentSession } from '../../../../server/session.ts'

/** Seconds after which the platform ends a response; the router's `sse.maxDurationMs` is below it. */
export const maxDuration = 300

// Next waits for open responses before it ends, and streams don't end by themselves: their clients are sent elsewhere.
oncePerProcess('drain', () =>
  process.once('SIGTERM', () => void linkOf(appRouter)?.drain({ overMs: 1_000 })),
)

function handle(req: Request): Promise<Response> {
  return fetchRequestHandler({
    endpoint: '/api/trpc',
    req,
    router: appRouter,
    channels,
    createContext: async () => ({ session: await currentSession() }),
    connectionKey: ({ session }) => session.user,
  })
}

export { handle as GET, handle as POST }
