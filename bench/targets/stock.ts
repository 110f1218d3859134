import { createHTTPServer } from '@trpc/server/adapters/standalone'
import type { Target, TargetSettings } from './target.ts'
import { createTickRouter, createTickSource, singleRequests } from './tick-router.ts'

/** tRPC's own SSE. */
export function createTarget(settings: TargetSettings): Target {
  const source = createTickSource(settings)
  return {
    server: createHTTPServer({ router: createTickRouter(source) }),
    requests: (lastEventId) => singleRequests(settings.channels, lastEventId),
    subscribed: source.reading,
    publish: source.publish,
  }
}
