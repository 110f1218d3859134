import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnyTRPCRouter } from '@trpc/server'
import { type Clock, elapsedTime, systemClock } from '@trpc-sse/protocol'
import { isForStream, serveNode } from '#node'
import { toEntriesBackend } from '../backend/entries-backend.ts'
import { type ChannelsInternals, internalsOf } from '../channels.ts'
import { acrossCopies } from '../shared-state.ts'
import { detachedClock } from '../user-code/async-context.ts'
import { keepAlive } from '../user-code/keep-alive.ts'
import { Tracer } from '../user-code/tracer.ts'
import { createMultiplexedWriter, createSingleWriter } from './call/wire-writer.ts'
import { Admission } from './connection/admission.ts'
import { Connections } from './connection/connections.ts'
import {
  type ConnectionInfo,
  checkText,
  type DisconnectFilter,
  type DisconnectTarget,
  disconnectFilter,
} from './connection/disconnects.ts'
import { Limiter } from './connection/limiter.ts'
import type { ConnectionLimits } from './connection/limits.ts'
import { serveFetch } from './fetch/fetch.ts'
import { Fleet } from './fleet.ts'
import { withInspection } from './inspectors.ts'
import type { LinkParts } from './link-parts.ts'
import { createMultiplexedMode } from './multiplexed/serve.ts'
import { MultiplexedStreams } from './multiplexed/streams.ts'
import type {
  CreateServerLinkOptions,
  NodeRequest,
  NodeResponse,
  RequestOverrides,
} from './options.ts'
import { createAddressReader } from './request/address.ts'
import { Bodies } from './request/body.ts'
import { optionsForRequest } from './request-options.ts'
import { routerConfig } from './router.ts'
import { settingsOf } from './settings.ts'
import { createSingleMode } from './single.ts'
import { FleetUsage } from './usage/fleet-usage.ts'
import { KeyLimits } from './usage/key-limits.ts'

/** Statistics of a link: current numbers, and totals since its creation. */
export interface ServerLinkStats {
  /** The number of open streams. */
  readonly connections: number
  /** The number of subscriptions on open streams. */
  readonly subscriptions: number
  /** The number of events and values that were sent to clients. */
  readonly eventsSent: number
  /** The number of bytes that were sent on streams, before compression and transfer encoding. */
  readonly bytesSent: number
  /** The number of gaps that were reported to clients. */
  readonly gaps: number
  /** The number of streams that were refused because of a limit or because the link is draining. */
  readonly refused: number
  /**
   * The number of streams that were closed because a subscription was too far behind (`whenBehind:
   * 'disconnect'`, `maxQueuedBytes`).
   */
  readonly cutOff: number
}

/** Serves all requests for a router: subscriptions over SSE, all others with tRPC's own handler. */
export interface ServerLink {
  /**
   * Answers a request of `node:http` or `node:http2`. Resolves when the response is over.
   *
   * Rejects with `INVALID_OPTION` in a bundle that was built without the export condition `node`.
   */
  node(request: NodeRequest, response: NodeResponse, overrides?: RequestOverrides): Promise<void>
  /** Answers a web-standard request. */
  fetch(request: Request, overrides?: RequestOverrides): Promise<Response>
  /**
   * Resolves to whether a Node request is for a stream, for a change of one, or for the inspector.
   * Use it in adapters for frameworks that send responses themselves: pass these requests to
   * {@link node}, and all others to {@link fetch}.
   */
  isForStream(request: NodeRequest, overrides?: Pick<RequestOverrides, 'path'>): Promise<boolean>
  /** Returns the statistics of the link in this process. */
  stats(): ServerLinkStats
  /** Lists the streams that are open in this process. */
  connections(): ConnectionInfo[]
  /**
   * Ends the matching streams of all instances that share the backend of the channels. Their clients
   * reconnect, so `createContext` can check their access again. This also applies to streams that
   * are just being opened, and to an instance that can't be reached now, once it can.
   *
   * Resolves to the number of ended streams, within a second: those of this process, and of the
   * instances that have answered by then. Rejects with `BACKEND_UNAVAILABLE` if the other instances
   * can't be told.
   *
   * @throws `INVALID_OPTION` for a target with neither `key` nor `path`, and for a key, path or
   *   reason that isn't a string.
   */
  disconnect(target: DisconnectTarget, reason?: string): Promise<number>
  /** Ends the matching streams of this process only. Returns the number of ended streams. */
  disconnect(filter: DisconnectFilter, reason?: string): number
  /**
   * Prepares for the end of this process: refuses new streams, and ends the open ones evenly over
   * `overMs` milliseconds (default 0). Their clients resume on another instance. Resolves when all
   * streams have ended.
   */
  drain(options?: { readonly overMs?: number }): Promise<void>
}

/**
 * Creates a server link for a router.
 *
 * @throws `INVALID_OPTION` if the channels' transformer differs from the router's, which would
 *   change the types of events; if a time or limit is not a number of 0 or more; if clients would
 *   reconnect before a heartbeat is due.
 */
export function createServerLink<TRouter extends AnyTRPCRouter>(
  options: CreateServerLinkOptions<TRouter>,
): ServerLink {
  const parts = withInspection(createParts(options), options.inspector)
  const { connections } = parts
  return {
    // Requests and responses of HTTP/2 work like those of HTTP/1.1; only their types differ.
    node: (request, response, own) =>
      serveNode(parts, optionsForRequest(options, own), {
        request: request as IncomingMessage,
        response: response as ServerResponse,
        path: own?.path,
      }),
    fetch: (request, own) =>
      serveFetch(parts, optionsForRequest(options, own), { request, path: own?.path }),
    isForStream: (request, own) =>
      isForStream(parts, options, { request: request as IncomingMessage, path: own?.path }),
    stats: () => ({
      connections: connections.size,
      subscriptions: connections.subscriptions,
      ...connections.counters,
    }),
    connections: () => connections.list(),
    disconnect: createDisconnect(parts),
    drain: ({ overMs = 0 } = {}) => keepAlive(connections.drain(overMs)),
  }
}

function createDisconnect({ connections, fleet }: LinkParts): ServerLink['disconnect'] {
  function disconnect(target: DisconnectTarget, reason?: string): Promise<number>
  function disconnect(filter: DisconnectFilter, reason?: string): number
  function disconnect(
    target: DisconnectTarget | DisconnectFilter,
    reason?: string,
  ): number | Promise<number> {
    const filter = disconnectFilter(target)
    checkText('reason', reason)
    if (typeof target === 'function') return connections.disconnect(filter, reason)
    if (!fleet) return Promise.resolve(connections.disconnect(filter, reason))
    const disconnecting = keepAlive(fleet.disconnect(target, reason))
    // An app that doesn't wait for the result must not crash if the backend is away.
    disconnecting.catch(() => {})
    return disconnecting
  }
  return disconnect
}

const fleets = acrossCopies('fleets', () => new WeakMap<object, Fleet>())

/** Joins the fleet of a link's channels, and creates the limits of its keys. */
function joinFleet(
  channels: object | undefined,
  connections: Connections,
  { clock, limits }: { readonly clock: Clock; readonly limits: ConnectionLimits },
): Pick<LinkParts, 'fleet' | 'keys'> {
  const internals = channels && internalsOf(channels)
  if (!channels || !internals)
    return { fleet: undefined, keys: new KeyLimits({ clock, limits, fleet: undefined }) }
  const fleet = fleets.get(channels) ?? new Fleet(internals)
  fleets.set(channels, fleet)
  const link = fleet.add(connections)
  const usage = limits.scope === 'fleet' ? createFleetUsage(internals, limits, link) : undefined
  return { fleet, keys: new KeyLimits({ clock, limits, fleet: usage }) }
}

function createFleetUsage(
  internals: ChannelsInternals,
  limits: ConnectionLimits,
  link: number,
): FleetUsage {
  const backend = toEntriesBackend(internals.backend)
  return new FleetUsage({ ...internals, backend, instances: internals.instances(), limits, link })
}

function createParts<TRouter extends AnyTRPCRouter>(
  options: CreateServerLinkOptions<TRouter>,
): LinkParts {
  const { router, channels } = options
  const config = routerConfig(router)
  const { output, sse } = config
  const { limits, ...settings } = settingsOf(options, config)
  const { retryMs, clientOptions, maxQueuedBytes } = settings
  const clock = detachedClock(options.clock ?? systemClock)
  const limiter = new Limiter(limits)
  const internals = channels && internalsOf(channels)
  const tracer = internals?.tracer ?? new Tracer(undefined)
  const { channelsPerConnection, subscriptionsPerConnection, changesPerSecond } = limits
  const connections = new Connections({
    ...settings,
    clock,
    limiter,
    tracer,
    channelsPerConnection,
  })
  const mode = { router, output, tracer, counters: connections.counters, maxQueuedBytes }
  return {
    router,
    clock,
    connections,
    ...joinFleet(channels, connections, { clock, limits }),
    limiter,
    tracer,
    inspection: undefined,
    channels: internals,
    retryMs,
    clientOptions,
    subscriptionsPerConnection,
    admission: new Admission({ clock, waiting: limits.waiting }),
    bodies: new Bodies({ clock, bytes: limits.bodyBytes, forMs: limits.bodyMs }),
    addressOf: createAddressReader(options.trustProxy),
    streams: new MultiplexedStreams({
      backend: internals?.backend,
      clock,
      subscriptionsPerConnection,
    }),
    single: createSingleMode(
      { ...mode, writer: createSingleWriter(output) },
      { clock, clientOptions, retryMs },
    ),
    multiplexed: createMultiplexedMode({ ...mode, writer: createMultiplexedWriter(output) }),
    changes: {
      perSecond: changesPerSecond,
      burst: 5 * Math.max(subscriptionsPerConnection, changesPerSecond),
      elapsedMs: elapsedTime(clock),
    },
    isOff: sse.enabled === false,
    emitsAndEnds: sse.emitAndEndImmediately === true,
  }
}
