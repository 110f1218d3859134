import { type TRPCDataTransformer, TRPCError } from '@trpc/server'
import { isObservable } from '@trpc/server/observable'
import { RealtimeError } from '@trpc-sse/protocol'
import { areSame } from '../../codec/transformer.ts'
import { clearCallContext, setCallContext } from '../../subscription/call-context.ts'
import type { Feed, FeedPart } from '../../subscription/feed.ts'
import {
  openFeed,
  type SubscriptionSource,
  subscriptionSource,
} from '../../subscription/subscription.ts'
import { dismiss, isFull, readGroupOf, room, whenRoom } from '../connection/connection.ts'
import { callSubscription } from '../router.ts'
import { sendObservable } from './send-observable.ts'
import {
  complete,
  fail,
  type SubscriptionRun,
  sendEvent,
  sendGap,
  sendPosition,
  sendValue,
  start,
} from './subscription-call.ts'

/** Calls the procedure of a run. Rejects with what that throws. */
export function callProcedure(
  run: SubscriptionRun,
  getRawInput: () => Promise<unknown>,
): Promise<unknown> {
  const { mode, subject, ctx, over } = run
  const { signal } = over
  // Whoever iterates a subscription finds by the call's signal whom to tell of what no value can say.
  setCallContext(signal, {
    lastEventId: run.lastEventId,
    onPosition: (position) => sendPosition(run, position),
    onGap: (gap) => sendGap(run, gap),
    turn: (aborted) => run.connection.traffic.loads.enter(run.connection, aborted),
  })
  return callSubscription({ router: mode.router, path: subject.path, ctx, getRawInput, signal })
}

/** Sends what the procedure of a run has returned, until that ends. */
export async function sendResult(run: SubscriptionRun, result: unknown): Promise<void> {
  try {
    const source = subscriptionSource(result)
    if (source) await sendFeed(run, source)
    else if (isObservable(result)) sendObservable(run, result)
    else await sendIterable(run, mustBeIterable(result))
  } catch (error) {
    fail(run, error)
  }
}

async function sendFeed(run: SubscriptionRun, source: SubscriptionSource): Promise<void> {
  mustHaveTransformer(source, run.mode.output)
  const wake = wakeOf(run, source)
  const feed = await openFeed(source, wake, readGroupOf(run.connection), run.lastEventId)
  // Nobody iterates it: what that would need isn't kept for as long as the stream.
  clearCallContext(run.over.signal)
  if (run.ended) return feed.close()
  run.feed = feed
  run.live = source.live
  run.pump = wake
  run.opening = source.parts
  pump(run)
  endWith(run, source)
}

/** What the hub, on behalf of whoever published, or the socket wakes a run with. It keeps nothing else alive. */
function wakeOf(run: SubscriptionRun, { hasCallbacks }: SubscriptionSource): () => void {
  return hasCallbacks ? () => run.context.runInAsyncScope(() => pump(run)) : () => pump(run)
}

function pump(run: SubscriptionRun): void {
  if (!run.feed || !run.pump || run.ended) return
  try {
    pumpFeed(run, run.feed, run.pump)
    if (run.opening && checkOpening(run, run.opening)) run.opening = undefined
  } catch (error) {
    fail(run, error)
  }
}

/**
 * Tells the client that its subscription can't start, where a log can't be reached: it tries again, and shows meanwhile what
 * it waits for. Returns whether that can't happen any more.
 */
function checkOpening(run: SubscriptionRun, parts: readonly FeedPart[]): boolean {
  const hubs = parts.map((part) => part.hub())
  const failing = hubs.find((hub) => hub?.failure !== undefined)
  if (failing && !run.ended) fail(run, cannotStart(failing.failure))
  return hubs.every((hub) => hub?.window !== undefined)
}

function cannotStart(cause: unknown): TRPCError {
  const message =
    "The channel's log can't be reached, so the subscription can't start. It is tried again; the server's logs say why."
  return new TRPCError({ code: 'SERVICE_UNAVAILABLE', message, cause })
}

/** Ends a run with any other signal that its subscription was given than the call's own. */
function endWith(run: SubscriptionRun, source: SubscriptionSource): void {
  const { signal: own } = run.over
  const end = (): void => run.context.runInAsyncScope(() => complete(run))
  for (const { signal } of source.parts) {
    if (signal === undefined || signal === own) continue
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true, signal: own })
  }
}

/** With another transformer than the router's, a client would get other types than its own say. */
function mustHaveTransformer(
  { parts }: SubscriptionSource,
  output: TRPCDataTransformer | undefined,
): void {
  if (parts.every(({ codec }) => areSame(codec.output, output))) return
  const message =
    'The channel and the router have different transformers. Give createChannels({ transformer }) what initTRPC.create({ transformer }) has.'
  throw new RealtimeError('INVALID_OPTION', message)
}

/** Sends what a feed has, as far as there is room. What is left waits where it is: in the window, or in the log. */
function pumpFeed(run: SubscriptionRun, feed: Feed, pump: () => void): void {
  if (!run.placed && !place(run, feed)) {
    // Where it starts is in the log, which is not read for a connection that is full.
    if (isFull(run.connection)) whenRoom(run.connection, pump)
    return
  }
  while (!isFull(run.connection)) {
    const item = feed.next()
    // A filter may have ended its own subscription.
    if (item === undefined || run.ended) return
    if (item.kind === 'event') sendEvent(run, item)
    else sendGap(run, item)
  }
  if (feed.isTooFarBehind()) cutOff(run)
  else whenRoom(run.connection, pump)
}

/** The socket is full: there is no telling a client that doesn't read. It hears of it when it reads on. */
function cutOff({ connection, mode: { counters } }: SubscriptionRun): void {
  counters.cutOff += 1
  dismiss(connection)
}

/** Tells the client where it starts, once that is known. */
function place(run: SubscriptionRun, feed: Feed): boolean {
  const position = feed.position()
  if (position === undefined) return false
  run.placed = true
  start(run, position)
  // It may have been started before it was known where.
  sendPosition(run, position)
  return true
}

/** Sends what an iterable yields, one value at a time, as fast as the client reads. */
async function sendIterable(run: SubscriptionRun, iterable: AsyncIterable<unknown>): Promise<void> {
  const iterator = iterable[Symbol.asyncIterator]()
  if (run.ended) return await returnTo(iterator)
  const { signal } = run.over
  // Queues behind a pending next() of a generator, which its signal ends.
  const stop = (): void => void returnTo(iterator).catch((error: unknown) => fail(run, error))
  signal.addEventListener('abort', stop)
  start(run, undefined)
  while (!run.ended) {
    if (await sendNext(run, iterator)) continue
    signal.removeEventListener('abort', stop)
    return complete(run)
  }
}

/**
 * Sends the next value, and resolves to whether there was one. A function of its own, so that a value which was sent isn't
 * kept while the next one is awaited.
 */
async function sendNext(run: SubscriptionRun, iterator: AsyncIterator<unknown>): Promise<boolean> {
  const result: unknown = await iterator.next()
  if (run.ended) return true
  if (!isResult(result))
    throw new TypeError(`The iterator of "${run.subject.path}" gave no result.`)
  if (result.done) return false
  const send = (): void => {
    if (!run.ended) sendValue(run, result.value)
  }
  // Many that share a connection may come with a value at once: each waits for its turn.
  if (isFull(run.connection))
    await room(run.connection, run.over.signal, () => run.context.runInAsyncScope(send))
  else send()
  return true
}

function mustBeIterable(result: unknown): AsyncIterable<unknown> {
  const isIterable =
    typeof result === 'object' &&
    result !== null &&
    Symbol.asyncIterator in result &&
    typeof result[Symbol.asyncIterator] === 'function'
  if (isIterable) return result as AsyncIterable<unknown>
  const what = result === undefined ? 'nothing (a forgotten return?)' : 'something else'
  const message = `A subscription returns a channel's subscription, an async iterable or an observable; this one returned ${what}. Return one, or make it a query.`
  throw new RealtimeError('INVALID_OPTION', message)
}

function isResult(value: unknown): value is IteratorResult<unknown> {
  return typeof value === 'object' && value !== null
}

/** Ends an iterator, whatever somebody's own `return` does: it may throw, or answer at once. */
async function returnTo(iterator: AsyncIterator<unknown>): Promise<void> {
  await iterator.return?.()
}
