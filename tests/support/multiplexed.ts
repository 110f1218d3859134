import type { TRPCUntypedClient } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { type SseLinkOptions, sseLink } from '@trpc-sse/client'
import {
  multiplexedPath,
  parseMultiplexedRequest,
  type WantedSubscription,
} from '@trpc-sse/protocol'
import { type Followed, type FollowOptions, follow, untypedClient } from './follow.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import type { Exchange, ScriptedServer } from './scripted-server.ts'

/** A client in multiplexed mode, on a clock that the test controls. */
export interface MultiplexedClient {
  readonly clock: ManualClock
  readonly client: TRPCUntypedClient<AnyTRPCRouter>
  follow(path: string, input?: unknown, options?: FollowOptions): Followed
}

/** Creates a client of a server. */
export function multiplexedClient(
  server: ScriptedServer,
  options: Partial<SseLinkOptions<AnyTRPCRouter>> = {},
): MultiplexedClient {
  const clock = manualClock()
  const client = untypedClient(sseLink<AnyTRPCRouter>({ url: server.url, clock, ...options }))
  return { clock, client, follow: (...args) => follow(client, ...args) }
}

/** A request for a stream, or a control request, and methods that answer it as the server. */
export interface SetExchange {
  readonly exchange: Exchange
  readonly revision: number
  readonly connectionId: string | undefined
  readonly subscriptions: Readonly<Record<string, WantedSubscription>>
  /** The wanted subscriptions by path, without their keys. */
  readonly wanted: ReadonlyArray<WantedSubscription>
  /** Returns the key of a path. */
  key(path: string): string
  /** Begins the stream, and starts these paths on it. */
  open(connectionId: string, ...paths: string[]): SetExchange
  /** Starts these paths. */
  start(...paths: string[]): SetExchange
  /** Sends events of a path. Each has a number as data, and `<number>-0` as id. */
  events(path: string, ...numbers: number[]): SetExchange
  /** Sends a control message about a path. */
  say(event: string, path: string, data?: object, id?: string): SetExchange
  /** Asks for a new stream. */
  reconnect(): SetExchange
  /** Answers a control request with success. */
  accept(): void
}

/** Waits for the next request, and checks that it is a request of multiplexed mode. */
export async function nextSet(server: ScriptedServer): Promise<SetExchange> {
  const exchange = await server.request()
  if (exchange.method !== 'POST' || exchange.path !== `/${multiplexedPath}`)
    throw new Error(`${exchange.method} ${exchange.path} came, not a request of multiplexed mode.`)
  const request = parseMultiplexedRequest(await exchange.body(), { subscriptions: 1_000 })
  const { revision, connectionId, subscriptions } = request
  const wanted = Object.values(subscriptions)
  function key(path: string): string {
    const [found] = Object.entries(subscriptions).find(([, one]) => one.path === path) ?? []
    if (found === undefined) throw new Error(`${path} is not in ${JSON.stringify(request)}.`)
    return found
  }
  const self: SetExchange = {
    exchange,
    revision,
    connectionId,
    subscriptions,
    wanted,
    key,
    open(connectionId, ...paths) {
      exchange.openSilently().send({ event: '$connected', data: JSON.stringify({ connectionId }) })
      return self.start(...paths)
    },
    start(...paths) {
      for (const path of paths) self.say('$started', path)
      return self
    },
    events(path, ...numbers) {
      exchange.send(...numbers.map((n) => ({ event: key(path), data: String(n), id: `${n}-0` })))
      return self
    },
    say(event, path, data = {}, id) {
      const message = { event, data: JSON.stringify({ key: key(path), ...data }) }
      exchange.send(id === undefined ? message : { ...message, id })
      return self
    },
    reconnect() {
      exchange.send({ event: '$reconnect', data: '{"reason":"drain"}' })
      return self
    },
    accept: () =>
      exchange.answer(200, { 'content-type': 'application/json' }, JSON.stringify({ revision })),
  }
  return self
}

/** The news for an event that {@link SetExchange.events} sent. */
export function event(n: number): readonly ['data', unknown] {
  return ['data', { id: `${n}-0`, data: n }]
}
