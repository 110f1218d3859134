import type { TRPCUntypedClient } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { type SseLinkOptions, sseLink } from '@trpc-sse/client'
import { type Followed, type FollowOptions, follow, type News, untypedClient } from './follow.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import type { Exchange, ScriptedServer } from './scripted-server.ts'

/** The first news of a subscription that opens. */
export const opening: readonly News[] = [['connecting'], ['started'], ['pending']]

/** A test's options for a subscription. */
export interface SubscribeOptions extends FollowOptions {
  readonly input?: unknown
  readonly link?: Partial<SseLinkOptions<AnyTRPCRouter>>
}

/** A subscription, and its clock and device. */
export interface Subscribed extends Followed {
  readonly clock: ManualClock
  readonly client: TRPCUntypedClient<AnyTRPCRouter>
}

/** Subscribes to `room.onMessage` of a server, on a clock that the test controls. */
export function subscribe(
  server: ScriptedServer,
  { input, link, ...options }: SubscribeOptions = {},
): Subscribed {
  const clock = manualClock()
  const client = untypedClient(
    sseLink<AnyTRPCRouter>({ url: server.url, clock, mode: 'single', ...link }),
  )
  return { clock, client, ...follow(client, 'room.onMessage', input, options) }
}

/**
 * Lets the wait of exactly `ms` pass, and returns the request that follows. Checks that no request
 * comes before that.
 */
export async function requestAfter(
  ms: number,
  { clock }: Subscribed,
  server: ScriptedServer,
): Promise<Exchange> {
  await clock.due(ms)
  const before = server.count()
  clock.advance(ms)
  const request = await server.request()
  if (server.count() !== before + 1)
    throw new Error(`${server.count() - before} requests came, not 1.`)
  return request
}
