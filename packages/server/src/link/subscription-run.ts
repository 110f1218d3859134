import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import { isObservable, observableToAsyncIterable } from '@trpc/server/observable'
import type { Feed } from '../cursor.ts'
import type { Gap } from '../log-event.ts'
import { gapError, setTransport } from '../resume.ts'
import { openFeed, type SubscriptionSource, subscriptionSource } from '../subscription.ts'
import type { SubscriptionFrames } from './frames.ts'

/** Where a subscription's frames go: its connection, or its share of one. */
export interface Outlet {
  send(bytes: Uint8Array): void
  /** Whether the other end is too far behind to be sent more. */
  readonly full: boolean
  /** Calls back each time there is room again. There is one such callback. */
  onRoom(callback: () => void): void
}

/** What a subscription is run with. */
export interface SubscriptionRunOptions {
  readonly outlet: Outlet
  readonly frames: SubscriptionFrames
  /** What the procedure was given. Aborts when the subscription is over for somebody else's reason. */
  readonly signal: AbortSignal
  readonly lastEventId: string | undefined
  /** Called once, before anything is sent, with the position at which the subscription starts, if it has one. */
  onStart(position: string | undefined): void
  onEvent(): void
  onGap(): void
  /** Writes an error as JSON, having told whoever wants to know. */
  formatError(error: TRPCError): string
  /** Called once, when nothing comes any more. */
  onEnd(): void
}

/** One procedure call, and what of it goes to the client. */
export interface SubscriptionRun {
  /** Sends what the procedure returned, until it ends. */
  run(result: unknown): Promise<void>
  /** Ends it with an error. */
  fail(cause: unknown): void
  /** Starts it if it has not, and shows the client where it stands by now. */
  showPosition(): void
}

/** Creates the run of one procedure call. */
export function createSubscriptionRun(options: SubscriptionRunOptions): SubscriptionRun {
  const { outlet, frames, signal } = options
  let ended = false
  let started = false
  let feed: Feed | undefined
  // The position that the client holds, and resumes from.
  let held = options.lastEventId

  if (signal.aborted) ended = true
  else signal.addEventListener('abort', () => finish(undefined), { once: true })
  setTransport(signal, { lastEventId: options.lastEventId, onPosition: sendPosition, onGap: sendGap })

  function start(): void {
    if (started) return
    started = true
    // A merge of nothing stands nowhere: its id is empty.
    held = feed?.lastEventId || held
    options.onStart(feed ? held : undefined)
  }

  function finish(frame: Uint8Array | undefined): void {
    if (ended) return
    ended = true
    if (frame) outlet.send(frame)
    feed?.close()
    options.onEnd()
  }

  function fail(cause: unknown): void {
    if (ended) {
      lateError(cause)
      return
    }
    start()
    // The field's word for "the call was aborted": nothing went wrong that the client could be told.
    if (isAbortError(cause)) finish(undefined)
    else finish(frames.error(options.formatError(getTRPCErrorFromUnknown(cause))))
  }

  function sendGap(gap: Gap): void {
    if (ended) return
    start()
    options.onGap()
    held = gap.position
    outlet.send(frames.gap(gap))
  }

  function sendPosition(position: string | undefined): void {
    if (ended || !position || position === held) return
    start()
    held = position
    outlet.send(frames.position(position))
  }

  async function runFeed(source: SubscriptionSource): Promise<void> {
    const pump = (): void => {
      if (ended || feed === undefined) return
      if (!started) {
        if (feed.lastEventId === undefined) return
        start()
      }
      try {
        while (!outlet.full) {
          const item = feed.next()
          if (item === undefined) return
          if (item.kind === 'gap') {
            if (source.options.onGap === 'error') throw gapError(item)
            sendGap(item)
          } else {
            held = item.id
            outlet.send(frames.event(item))
            options.onEvent()
          }
        }
      } catch (error) {
        fail(error)
      }
    }
    feed = await openFeed(source, pump)
    if (ended) return feed.close()
    outlet.onRoom(pump)
    pump()
  }

  async function runIterable(iterable: AsyncIterable<unknown>): Promise<void> {
    const iterator = iterable[Symbol.asyncIterator]()
    if (ended) return await returnTo(iterator)
    const room = createLatch()
    outlet.onRoom(room.open)
    // Queues behind a pending next() of a generator, which its signal ends.
    const stop = (): void => void returnTo(iterator).catch(lateError)
    signal.addEventListener('abort', stop)
    start()
    while (!ended) {
      const result = await iterator.next()
      if (ended) return
      if (result.done) {
        signal.removeEventListener('abort', stop)
        return finish(frames.complete)
      }
      outlet.send(frames.value(result.value))
      options.onEvent()
      if (outlet.full) await room.wait(signal)
    }
  }

  // Nobody waits for an answer any more; the user's code still wants to be heard.
  function lateError(cause: unknown): void {
    if (isAbortError(cause) || (cause instanceof TRPCError && isAbortError(cause.cause))) return
    options.formatError(getTRPCErrorFromUnknown(cause))
  }

  return {
    fail,
    async run(result) {
      try {
        const source = subscriptionSource(result)
        if (source) await runFeed(source)
        else await runIterable(toIterable(result, signal))
      } catch (error) {
        fail(error)
      }
    },
    showPosition() {
      if (ended) return
      start()
      sendPosition(feed?.lastEventId)
    },
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

function isAbortError(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'name' in cause && cause.name === 'AbortError'
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
