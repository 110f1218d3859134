import { TRPCError } from '@trpc/server'
import { isObservable, observableToAsyncIterable } from '@trpc/server/observable'
import type { Feed } from '../cursor.ts'
import { gapError, setTransport } from '../resume.ts'
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
export function createSubscriptionRun(options: TellerOptions): SubscriptionRun {
  const { outlet, signal } = options
  let feed: Feed | undefined
  const teller = createTeller({
    ...options,
    onEnd() {
      feed?.close()
      options.onEnd()
    },
  })
  setTransport(signal, {
    lastEventId: options.lastEventId,
    onPosition: teller.position,
    onGap: teller.gap,
  })

  async function runFeed(source: SubscriptionSource): Promise<void> {
    // Not the source itself: with it the call's options, its request among them, would stay for as long as the stream.
    const parts: PumpParts = { teller, outlet, gapIsError: source.options.onGap === 'error', placed: false }
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

interface PumpParts {
  readonly teller: Teller
  readonly outlet: Outlet
  readonly gapIsError: boolean
  /** Whether the client knows where it starts. */
  placed: boolean
}

/** Sends what a feed has, as far as there is room. What is left waits where it is: in the window, or in the log. */
function pumpFeed(feed: Feed, parts: PumpParts): void {
  const { teller, outlet, gapIsError } = parts
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
      else if (gapIsError) throw gapError(item)
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
  outlet.onRoom(room.open)
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
    teller.value(result.value)
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
