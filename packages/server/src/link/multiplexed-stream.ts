import type { TRPCRequestInfo } from '@trpc/server/http'
import { type MultiplexedRequest, RealtimeError, type WantedSubscription } from '@trpc-sse/protocol'
import type { Connection } from './connection.ts'
import type { Served } from './connections.ts'
import { createKeyedFrames, startedFrame, streamFrames } from './frames.ts'
import { createSubscriptionRequest, type SubscriptionRequest } from './request.ts'
import { createRun, type ServeOptions, type Service } from './serve.ts'
import type { SubscriptionRun } from './subscription-run.ts'
import type { Outlet } from './teller.ts'
import { callSubscription, findProcedure, routerConfig } from './trpc.ts'

/** A connection with a set of subscriptions on it, each by its key. */
export interface MultiplexedStream extends Served {
  /** The newest set that was applied. */
  readonly revision: number
  /** What `createContext` is told of the set that the stream was opened with. */
  readonly requests: ReadonlyMap<string, SubscriptionRequest>
  /** Makes the requests of the first set ready: loads what routers are lazy. */
  prepare(set: MultiplexedRequest, connectionParams: TRPCRequestInfo['connectionParams']): Promise<void>
  /** Starts what was prepared, in this context. */
  start(ctx: unknown): void
  /**
   * Replaces the set, if its revision is greater: what is new starts, what is missing stops, the rest is untouched.
   * Throws `INVALID_MESSAGE`, changing nothing, if a key changes its path or input.
   */
  replace(set: MultiplexedRequest): void
}

interface Entry {
  readonly wanted: WantedSubscription
  readonly over: AbortController
  run: SubscriptionRun | undefined
  ended: boolean
}

/** Creates the set of subscriptions of one connection. */
export function createMultiplexedStream(
  options: ServeOptions,
  service: Service,
  connection: Connection,
): MultiplexedStream {
  const { router } = options
  const { output } = routerConfig(router)
  const { ping, reconnect } = streamFrames.multiplexed
  const entries = new Map<string, Entry>()
  const prepared = new Map<string, SubscriptionRequest>()
  const rooms = createRooms(connection)
  let connectionParams: TRPCRequestInfo['connectionParams'] = null
  let ctx: unknown
  let revision = -1

  connection.signal.addEventListener('abort', () => {
    for (const { over } of entries.values()) over.abort()
  })

  async function toRequest({ path, input, lastEventId }: WantedSubscription): Promise<SubscriptionRequest> {
    // A path that leads nowhere is the call's to complain about.
    const procedure = await findProcedure(router, path).catch(() => undefined)
    const readInput = (): unknown => input
    return createSubscriptionRequest(router, { path, procedure, lastEventId, connectionParams, readInput })
  }

  async function run(key: string, entry: Entry): Promise<void> {
    const request = prepared.get(key) ?? (await toRequest(entry.wanted))
    prepared.delete(key)
    const { signal } = entry.over
    // Whoever doesn't read can't make the stream grow by changing the set for ever.
    while (connection.isFull() && !signal.aborted) await rooms.next(key, signal)
    if (signal.aborted) return
    const subscription = createRun(options, service, {
      request,
      signal,
      frames: createKeyedFrames(output, key),
      outlet: rooms.outlet(key),
      ctx: () => ctx,
      onStart: (position) => connection.send(startedFrame(key, position)),
      onEnd() {
        entry.ended = true
        rooms.leave(key)
        entry.over.abort()
      },
    })
    entry.run = subscription
    try {
      const { path, getRawInput } = request
      await subscription.run(await callSubscription({ router, path, ctx, getRawInput, signal }))
    } catch (error) {
      subscription.fail(error)
    }
  }

  function begin(key: string, wanted: WantedSubscription): void {
    const entry: Entry = { wanted, over: new AbortController(), run: undefined, ended: false }
    entries.set(key, entry)
    void run(key, entry)
  }

  function stop(key: string, { over }: Entry): void {
    entries.delete(key)
    over.abort()
  }

  function replace(set: MultiplexedRequest): void {
    const wanted = Object.entries(set.subscriptions)
    for (const [key, one] of wanted) checkSame(key, entries.get(key)?.wanted, one)
    if (set.revision <= revision) return
    revision = set.revision
    const keys = new Set(wanted.map(([key]) => key))
    for (const [key, entry] of entries) if (!keys.has(key)) stop(key, entry)
    for (const [key, one] of wanted) if (!entries.has(key)) begin(key, one)
  }

  let first: MultiplexedRequest | undefined
  return {
    replace,
    requests: prepared,
    get revision() {
      return revision
    },
    get paths() {
      const running = [...entries.values()].filter(({ ended }) => !ended)
      return [...new Set(running.map(({ wanted }) => wanted.path))]
    },
    get subscriptions() {
      let count = 0
      for (const { ended } of entries.values()) if (!ended) count += 1
      return count
    },
    async prepare(set, params) {
      first = set
      connectionParams = params
      const requests = Object.entries(set.subscriptions).map(
        async ([key, wanted]) => [key, await toRequest(wanted)] as const,
      )
      for (const [key, request] of await Promise.all(requests)) prepared.set(key, request)
    },
    start(context) {
      ctx = context
      if (first && !connection.signal.aborted) replace(first)
      first = undefined
    },
    heartbeat() {
      for (const { run: subscription } of entries.values()) subscription?.showPosition()
      connection.send(ping)
    },
    reconnect: (data, retryMs) => connection.send(reconnect(data, retryMs)),
  }
}

function checkSame(key: string, before: WantedSubscription | undefined, after: WantedSubscription): void {
  if (before === undefined) return
  if (before.path === after.path && JSON.stringify(before.input) === JSON.stringify(after.input)) return
  const message = `The set breaks P47 of the protocol: key ${JSON.stringify(key)} names another path or input than before.`
  throw new RealtimeError('INVALID_MESSAGE', message)
}

/** Shares a connection's room among its subscriptions. */
interface Rooms {
  outlet(key: string): Outlet
  /** Waits until there is room, or until the signal aborts. */
  next(key: string, signal: AbortSignal): Promise<void>
  leave(key: string): void
}

/**
 * When there is room again, whoever waits longest goes first: one subscription that is far behind takes no more than its
 * turn, which is what fits into the connection's buffer.
 */
function createRooms(connection: Connection): Rooms {
  const waiting = new Map<string, () => void>()
  connection.onRoom(() => {
    for (const [key, pump] of [...waiting]) {
      if (connection.isFull()) return
      if (!waiting.delete(key)) continue
      waiting.set(key, pump)
      pump()
    }
  })
  return {
    outlet: (key) => ({
      send: connection.send,
      isFull: connection.isFull,
      onRoom: (callback) => waiting.set(key, callback),
    }),
    next: (key, signal) =>
      new Promise((resolve) => {
        waiting.set(key, resolve)
        const onAbort = (): void => {
          waiting.delete(key)
          resolve()
        }
        signal.addEventListener('abort', onAbort, { once: true })
      }),
    leave: (key) => waiting.delete(key),
  }
}
