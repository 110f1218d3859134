import { type TRPCDataTransformer, TRPCError } from '@trpc/server'
import { isObservable, observableToAsyncIterable } from '@trpc/server/observable'
import { RealtimeError } from '@trpc-sse/protocol'
import type { Feed } from '../cursor.ts'
import { setTransport } from '../resume.ts'
import { openFeed, type SubscriptionSource, subscriptionSource } from '../subscription.ts'
import { createTeller, type Outlet, type Teller, type TellerOptions } from './teller.ts'

/** One procedure call, and what of it goes to the client. */
export interface SubscriptionRun {
  /** Sends what the procedure returned, until it ends. */
  run(result: unknown): Promise<void>
  /** Ends it with an error. */
  fail(cause: unknown): void
  /** Tells the client that it has started, whether it has or not: a stream of its own must begin some time. */
  start(): void
  /** Shows the client where it stands by now, if it has started. */
  showPosition(): void
}

/** Creates the run of one procedure call. */
export function createSubscriptionRun(options: SubscriptionRunOptions): SubscriptionRun {
  const { outlet, signal } = options
  let feed: Feed | undefined
  const teller = createTeller(options, () => {
    feed?.close()
    options.onEnd()
  })
  setTransport(signal, {
    lastEventId: options.lastEventId,
    onPosition: teller.position,
    onGap: teller.gap,
  })

  async function runFeed(source: SubscriptionSource): Promise<void> {
    mustHaveTransformer(source, options.output)
    // Not the source itself: with it the call's options, its request among them, would stay for as long as the stream.
    const parts: PumpParts = { teller, outlet, placed: false }
    const pump = (): void => {
      if (feed && !teller.ended) pumpFeed(feed, parts)
    }
    feed = await openFeed(source, pump)
    if (teller.ended) return feed.close()
    outlet.onRoom(pump)
    pump()
  }

  return {
    fail: teller.fail,
    async run(result) {
      try {
        const source = subscriptionSource(result)
        if (source) await runFeed(source)
        else await runIterable(toIterable(result, signal), { teller, outlet, signal })
      } catch (error) {
        teller.fail(error)
      }
    },
    start: () => teller.start(feed?.position()),
    showPosition() {
      if (teller.started) teller.position(feed?.position())
    },
  }
}

/** With another transformer than the router's, a client would get other types than its own say. */
function mustHaveTransformer({ parts }: SubscriptionSource, output: TRPCDataTransformer | undefined): void {
  if (parts.every(({ codec }) => codec.output === output)) return
  const message =
    'The channel and the router have different transformers. Give createChannels({ transformer }) what initTRPC.create({ transformer }) has.'
  throw new RealtimeError('INVALID_OPTION', message)
}

/** What a run is made with. */
export interface SubscriptionRunOptions extends TellerOptions {
  /** What the router's transformer makes of values; `undefined` where it changes nothing. */
  readonly output: TRPCDataTransformer | undefined
}

interface PumpParts {
  readonly teller: Teller
  readonly outlet: Outlet
  /** Whether the client knows where it starts. */
  placed: boolean
}

/** Sends what a feed has, as far as there is room. What is left waits where it is: in the window, or in the log. */
function pumpFeed(feed: Feed, parts: PumpParts): void {
  const { teller, outlet } = parts
  if (!parts.placed) {
    const position = feed.position()
    if (position === undefined) return
    parts.placed = true
    teller.start(position)
    // It may have been started before it was known where.
    teller.position(position)
  }
  try {
    while (!outlet.isFull()) {
      const item = feed.next()
      if (item === undefined) return
      if (item.kind === 'event') teller.event(item)
      else teller.gap(item)
    }
  } catch (error) {
    teller.fail(error)
  }
}

interface IterationParts {
  readonly teller: Teller
  readonly outlet: Outlet
  readonly signal: AbortSignal
}

/** Sends what an iterable yields, one value at a time, as fast as the client reads. */
async function runIterable(
  iterable: AsyncIterable<unknown>,
  { teller, outlet, signal }: IterationParts,
): Promise<void> {
  const iterator = iterable[Symbol.asyncIterator]()
  if (teller.ended) return await returnTo(iterator)
  const room = createLatch()
  let held: { readonly value: unknown } | undefined
  // At once, as whoever waits next must see whether there is room left.
  outlet.onRoom(() => {
    deliver()
    room.open()
  })
  function deliver(): void {
    if (held === undefined || teller.ended) return
    const { value } = held
    held = undefined
    try {
      teller.value(value)
    } catch (error) {
      teller.fail(error)
    }
  }
  // Queues behind a pending next() of a generator, which its signal ends.
  const stop = (): void => void returnTo(iterator).catch(teller.fail)
  signal.addEventListener('abort', stop)
  teller.start(undefined)
  while (!teller.ended) {
    const result = await iterator.next()
    if (teller.ended) return
    if (result.done) {
      signal.removeEventListener('abort', stop)
      return teller.complete()
    }
    held = result
    // Many that share a connection may come with a value at once: each waits for its turn.
    if (outlet.isFull()) await room.wait(signal)
    else deliver()
    if (outlet.isFull()) await room.wait(signal)
  }
}

function toIterable(result: unknown, signal: AbortSignal): AsyncIterable<unknown> {
  if (isObservable(result)) return observableToAsyncIterable(result, signal)
  if (typeof result === 'object' && result !== null && Symbol.asyncIterator in result) {
    return result as AsyncIterable<unknown>
  }
  throw new TRPCError({
    code: 'INTERNAL_SERVER_ERROR',
    message:
      'The subscription returned neither an async iterable nor an observable. Return one, or use a query.',
  })
}

/** Ends an iterator, whatever somebody's own `return` does: it may throw, or answer at once. */
async function returnTo(iterator: AsyncIterator<unknown>): Promise<void> {
  await iterator.return?.()
}

/** Lets one waiter through each time it is opened. */
function createLatch(): { open(): void; wait(signal: AbortSignal): Promise<void> } {
  let open = (): void => {}
  return {
    open: () => open(),
    wait: (signal) =>
      new Promise((resolve) => {
        open = () => {
          signal.removeEventListener('abort', open)
          resolve()
        }
        if (signal.aborted) open()
        else signal.addEventListener('abort', open)
      }),
  }
}
