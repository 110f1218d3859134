import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import { isObservable, observableToAsyncIterable } from '@trpc/server/observable'
import type { ReconnectData } from '@trpc-sse/protocol'
import type { Feed } from '../cursor.ts'
import type { Gap } from '../log-event.ts'
import { gapError, setTransport } from '../resume.ts'
import { openFeed, type SubscriptionSource, subscriptionSource } from '../subscription.ts'
import type { Connection } from './connection.ts'
import type { Frames } from './frames.ts'

/** What a subscription is run with. */
export interface SubscriptionRunOptions {
  readonly connection: Connection
  readonly frames: Frames
  readonly lastEventId: string | undefined
  /** Called once, when it is known where the subscription starts, and before anything is sent. */
  onStart(): void
  onEvent(): void
  onGap(): void
  /** Writes an error as JSON, having told whoever wants to know. */
  formatError(error: TRPCError): string
  /** Called once, when nothing comes any more. */
  onEnd(): void
}

/** One procedure call on a connection. */
export interface SubscriptionRun {
  /** Sends what the procedure returned, until it ends. */
  run(result: unknown): Promise<void>
  /** Ends it with an error. */
  fail(cause: unknown): void
  /** Ends it with an error before it has started; the client may try again after so many milliseconds. */
  refuse(error: TRPCError, retryMs: number): void
  /** Asks the client to open a new stream, and ends. */
  reconnect(data: ReconnectData, retryMs: number): void
  /** Shows the client that the connection is alive, and where the subscription stands by now. */
  heartbeat(): void
}

/** Creates the run of one procedure call. */
export function createSubscriptionRun(options: SubscriptionRunOptions): SubscriptionRun {
  const { connection, frames } = options
  // The procedure was given the connection's signal: in single mode they are over together.
  const { signal } = connection
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
    options.onStart()
  }

  function finish(frame: Uint8Array | undefined): void {
    if (ended) return
    ended = true
    if (frame) connection.send(frame)
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
    connection.send(frames.gap(gap))
  }

  function sendPosition(position: string | undefined): void {
    if (ended || !position || position === held) return
    start()
    held = position
    connection.send(frames.position(position))
  }

  async function runFeed(source: SubscriptionSource): Promise<void> {
    const pump = (): void => {
      if (ended || feed === undefined) return
      if (!started) {
        if (feed.lastEventId === undefined) return
        start()
        sendPosition(feed?.lastEventId)
      }
      try {
        while (!connection.full) {
          const item = feed.next()
          if (item === undefined) return
          if (item.kind === 'gap') {
            if (source.options.onGap === 'error') throw gapError(item)
            sendGap(item)
          } else {
            held = item.id
            connection.send(frames.event(item))
            options.onEvent()
          }
        }
      } catch (error) {
        fail(error)
      }
    }
    feed = await openFeed(source, pump)
    if (ended) return feed.close()
    connection.onRoom(pump)
    pump()
  }

  async function runIterable(iterable: AsyncIterable<unknown>): Promise<void> {
    const iterator = iterable[Symbol.asyncIterator]()
    if (ended) return await returnTo(iterator)
    const room = createLatch()
    connection.onRoom(room.open)
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
      connection.send(frames.value(result.value))
      options.onEvent()
      if (connection.full) await room.wait(signal)
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
    refuse: (error, retryMs) => finish(frames.error(options.formatError(error), retryMs)),
    reconnect(data, retryMs) {
      if (ended) return
      start()
      sendPosition(feed?.lastEventId)
      finish(frames.reconnect(data, retryMs))
    },
    heartbeat() {
      if (ended) return
      start()
      sendPosition(feed?.lastEventId)
      connection.send(frames.ping)
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
