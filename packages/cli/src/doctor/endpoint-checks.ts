import { multiplexedEvents } from '@trpc-sse/protocol'
import type { Target } from '../endpoint/target.ts'
import type { Check } from './check.ts'
import { skipped } from './check.ts'
import { type CrossOrigin, checkCrossOriginStream, checkPreflight } from './cors-checks.ts'
import { checkHttpVersion } from './http-version.ts'
import { probe } from './probe.ts'
import { streamRequest } from './requests.ts'
import {
  checkAnswer,
  checkHead,
  checkHeartbeat,
  checkSubscription,
  checkTiming,
} from './stream-checks.ts'

/** How to examine an endpoint. */
export interface EndpointOptions {
  readonly cross: CrossOrigin | undefined
  /** How long to wait for a heartbeat, in milliseconds; 0 for not at all. */
  readonly idleMs: number
}

/** The duration of the stream whose parts are timed, in milliseconds. */
const maxDurationMs = 3_000

/** Examines an endpoint, and yields what it finds. */
export async function* checkEndpoint(
  target: Target,
  options: EndpointOptions,
): AsyncGenerator<Check> {
  const origin = options.cross?.origin
  const request = streamRequest(target, { maxDurationMs, origin })
  const stream = await probe(target, { ...request, limitMs: 3 * maxDurationMs })
  const answer = checkAnswer(stream)
  yield answer
  if (answer.status === 'ok') {
    yield* checkHead(stream)
    const timing = checkTiming(stream, maxDurationMs)
    yield timing
    const { subscription } = target
    if (subscription && timing.check === 'buffering')
      yield checkSubscription(stream, subscription.path)
    yield await heartbeat(target, timing, options.idleMs)
  }
  yield await checkHttpVersion(target)
  if (!options.cross) return
  yield await checkPreflight(target, options.cross)
  yield checkCrossOriginStream(stream, options.cross)
}

/** A stream that is held back or cut has no heartbeats. That isn't another fault. */
async function heartbeat(target: Target, timing: Check, idleMs: number): Promise<Check> {
  if (timing.status !== 'ok') return skipped('heartbeat', `first solve ${timing.check}`)
  if (idleMs === 0) return skipped('heartbeat', '--idle is 0')
  const idle = { ...target, subscription: undefined }
  const isLast = ({ event }: { readonly event: string }): boolean =>
    event === multiplexedEvents.ping || event === multiplexedEvents.reconnect
  return checkHeartbeat(await probe(idle, { ...streamRequest(idle, {}), limitMs: idleMs, isLast }))
}
