import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import {
  type Backend,
  type ConnectionLimits,
  channel,
  createChannels,
  systemClock,
} from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { z } from 'zod'

const t = initTRPC.context<{ user: string }>().create()

/** Options of {@link createLimitedServer}. */
export interface LimitedServerOptions {
  readonly backend: Backend
  readonly limits: Partial<ConnectionLimits>
  readonly heartbeatMs?: number
  /** How wrong the time of day of this instance is, in milliseconds. */
  readonly clockErrorMs?: number
  onError?(error: unknown, context: { readonly stage: string }): void
}

/** Creates an instance of an app whose limits apply to the fleet. Requests say whose they are. */
export function createLimitedServer(options: LimitedServerOptions) {
  const { backend, limits, heartbeatMs = 15_000, clockErrorMs = 0, onError = () => {} } = options
  const clock = { ...systemClock, now: () => Date.now() + clockErrorMs }
  const channels = createChannels({
    backend,
    clock,
    channels: { numbers: channel({ event: z.number() }) },
    onError,
  })
  const router = t.router({
    onNumber: t.procedure.subscription((opts) => channels.numbers().subscribe(opts)),
  })
  const server = createHTTPServer({
    router,
    channels,
    clock,
    heartbeatMs,
    retryMs: 10,
    createContext: ({ req }) => ({ user: req.headers.user?.toString() ?? '' }),
    connectionKey: ({ user }) => user,
    limits: { scope: 'fleet', connectionsPerAddress: 5_000, ...limits },
    onError() {},
  })
  return { server, link: server.link, channels, router }
}

export type LimitedRouter = ReturnType<typeof createLimitedServer>['router']

/** Creates the backend of an instance on Redis. */
export function limitedBackend(url: string): Backend {
  return redisBackend({ url }, { onError() {}, commandTimeoutMs: 1_000, probeMs: 200 })
}
