import { fetchRequestHandler, linkOf } from '@trpc-sse/server/adapters/fetch'
import { channels } from '../../../../server/channels.ts'
import { oncePerProcess } from '../../../../server/once-per-process.ts'
import { appRouter } from '../../../../server/router.ts'
import { currentSession } from '../../../../server/session.ts'

/** Seconds after which the platform ends a response. The router's `sse.maxDurationMs` is lower. */
export const maxDuration = 300

// Next waits for open responses before it exits. Streams never end, so drain them.
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
