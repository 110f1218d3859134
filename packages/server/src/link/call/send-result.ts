import { isObservable } from '@trpc/server/observable'
import { RealtimeError } from '@trpc-sse/protocol'
import { setCallContext } from '../../subscription/call-context.ts'
import { findLastEventId } from '../../subscription/resume.ts'
import { subscriptionSource } from '../../subscription/subscription.ts'
import type { SubscriptionRequest } from '../request/subscription-request.ts'
import { callSubscription } from '../router.ts'
import { sendFeed } from './send-feed.ts'
import { sendIterable } from './send-iterable.ts'
import { sendObservable } from './send-observable.ts'
import type { SubscriptionCall } from './subscription-call.ts'

/** Calls the procedure. Rejects with the procedure's error. */
export function callProcedure(
  call: SubscriptionCall,
  { procedure, path, getRawInput }: SubscriptionRequest,
): Promise<unknown> {
  const { mode, ctx, over } = call
  const { signal } = over
  // A subscription that the procedure iterates itself finds this call by the signal.
  setCallContext(signal, call)
  return callSubscription(mode.router, procedure, { path, ctx, getRawInput, signal })
}

/** Sends the values of the procedure's result until it ends. */
export async function sendResult(call: SubscriptionCall, result: unknown): Promise<void> {
  try {
    const source = subscriptionSource(result)
    if (source) {
      const lastEventId = call.lastEventId ?? (await findLastEventId(source.options))
      sendFeed(call, source, lastEventId)
    } else if (isObservable(result)) sendObservable(call, result)
    else await sendIterable(call, mustBeIterable(result))
  } catch (error) {
    call.fail(error)
  }
}

function mustBeIterable(result: unknown): AsyncIterable<unknown> {
  if (isAsyncIterable(result)) return result
  const what = result === undefined ? 'nothing (a forgotten return?)' : 'something else'
  const message = `A subscription returns a channel's subscription, an async iterable or an observable; this one returned ${what}. Return one, or make it a query.`
  throw new RealtimeError('INVALID_OPTION', message)
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Symbol.asyncIterator in value &&
    typeof value[Symbol.asyncIterator] === 'function'
  )
}
