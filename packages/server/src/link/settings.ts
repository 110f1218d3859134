import type { TRPCDataTransformer } from '@trpc/server'
import { type ConnectedData, RealtimeError } from '@trpc-sse/protocol'
import { type ChannelsBase, internalsOf } from '../channels.ts'
import { areSame } from '../codec/transformer.ts'
import { differentTransformers } from './call/errors.ts'
import { type ConnectionLimits, limitsOf } from './connection/limits.ts'
import { minBufferedBytes } from './connection/response-writer.ts'
import type { ServerLinkOptions } from './options.ts'
import type { RouterConfig, RouterSseConfig } from './router.ts'

/** A link's options after validation, with defaults filled in. */
export interface LinkSettings {
  readonly limits: ConnectionLimits
  /**
   * The silence after which a connection sends a ping, in milliseconds; `Infinity` for no pings.
   */
  readonly heartbeatMs: number
  /** The maximum duration of a connection, in milliseconds; `undefined` for no limit. */
  readonly maxDurationMs: number | undefined
  readonly maxBufferedBytes: number
  readonly maxQueuedBytes: number
  readonly retryMs: number
  /** The settings that clients receive when they connect. */
  readonly clientOptions: ConnectedData
}

/** Validates a link's options and fills in the defaults. Throws `INVALID_OPTION`. */
export function settingsOf(
  options: ServerLinkOptions,
  { sse, output }: RouterConfig,
): LinkSettings {
  mustHaveTransformer(options.channels, output)
  const heartbeatMs = heartbeatOf(options.heartbeatMs, sse)
  mustBeNumbers(options)
  mustBeScope(options)
  return {
    limits: limitsOf(options.limits),
    heartbeatMs,
    maxDurationMs: sse.maxDurationMs || undefined,
    maxBufferedBytes: Math.max(minBufferedBytes, options.maxBufferedBytes ?? 131_072),
    maxQueuedBytes: options.maxQueuedBytes ?? 1_048_576,
    retryMs: options.retryMs ?? 500,
    clientOptions: {
      // Three heartbeats: one may get lost in a busy moment, and the next may be late.
      ...(Number.isFinite(heartbeatMs) && { reconnectAfterInactivityMs: heartbeatMs * 3 }),
      ...sse.client,
    },
  }
}

function heartbeatOf(given: number | undefined, { ping, client }: RouterSseConfig): number {
  if (given === undefined && arePingsOff(ping)) return Infinity
  // As in tRPC, 0 means no limit.
  const inactivityMs = client?.reconnectAfterInactivityMs || Infinity
  const pingMs = ping?.enabled ? (ping.intervalMs ?? 1_000) : Math.min(15_000, inactivityMs / 3)
  const ms = given ?? pingMs
  if (ms > 0 && ms <= inactivityMs) return ms
  const message = `heartbeatMs is ${ms}, and clients reconnect after ${inactivityMs} ms of silence (sse.client.reconnectAfterInactivityMs). Give more than 0, and at most that.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/** Whether these options of tRPC turn pings off. */
function arePingsOff(ping: RouterSseConfig['ping']): boolean {
  if (ping === undefined) return false
  const { enabled, intervalMs = 1_000 } = ping
  return !(enabled && intervalMs > 0 && intervalMs !== Infinity)
}

function mustBeNumbers({
  retryMs,
  maxBufferedBytes,
  maxQueuedBytes,
  limits: { scope, ...limits } = {},
}: ServerLinkOptions): void {
  const numbers = { retryMs, maxBufferedBytes, maxQueuedBytes, ...limits }
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined || value >= 0) continue
    const message = `createServerLink(): ${name} is ${value}. Give a number, 0 or more.`
    throw new RealtimeError('INVALID_OPTION', message)
  }
  if (limits.changesPerSecond !== 0) return
  const message =
    'createServerLink(): changesPerSecond is 0, so that no stream could ever change. Give more than 0.'
  throw new RealtimeError('INVALID_OPTION', message)
}

function mustBeScope({ limits, channels }: ServerLinkOptions): void {
  const scope: string = limits?.scope ?? 'process'
  if (scope === 'process' || (scope === 'fleet' && channels && internalsOf(channels))) return
  const advice =
    scope === 'fleet'
      ? 'Pass the channels too: their backend counts for all processes.'
      : "Give 'process' or 'fleet'."
  const message = `createServerLink(): limits.scope is ${JSON.stringify(scope)}. ${advice}`
  throw new RealtimeError('INVALID_OPTION', message)
}

function mustHaveTransformer(
  channels: ChannelsBase | undefined,
  output: TRPCDataTransformer | undefined,
): void {
  const codec = channels && internalsOf(channels)?.codec
  if (codec && !areSame(codec.output, output)) throw differentTransformers('channels')
}
