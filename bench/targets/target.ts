import type http from 'node:http'
import type { Tick } from '../payload.ts'

/** The targets; each has its own file in this folder. */
export const targetNames = [
  'ours',
  'stock',
  'raw',
  'better-sse',
  'graphql-sse',
  'orpc',
  'resumable-stream',
  'ws',
] as const

/** The name of a server to measure. */
export type TargetName = (typeof targetNames)[number]

/** The targets that need no Redis. */
export const memoryTargetNames: readonly TargetName[] = targetNames.filter(
  (name) => name !== 'resumable-stream',
)

/** The settings of a target. */
export interface TargetSettings {
  /**
   * The number of channels, which are numbered from 0. A connection subscribes to one of them, or
   * to several in multiplexed mode.
   */
  readonly channels: number
  /**
   * The number of subscriptions on each connection in multiplexed mode, each to another channel.
   * `undefined` means single mode.
   */
  readonly perConnection?: number
  /** Makes `raw` call a tRPC procedure for each connection, as any server for tRPC must. */
  readonly callsProcedure?: boolean
  /** Whether procedures return a channel's subscription, are the app's own generators, or follow a run. */
  readonly source: 'channel' | 'generator' | 'run'
  /** Whether `ours` limits what a user has in the whole fleet, and knows when tokens expire. */
  readonly isGuarded?: boolean
  /** Whether `ours` records metrics and spans with OpenTelemetry. */
  readonly isTraced?: boolean
  /** The Redis that stores events. Without a URL, they are in memory. */
  readonly redisUrl?: string
  /** Retained events of each channel. */
  readonly retain: number
}

/** The default settings. */
export const defaultSettings: TargetSettings = { channels: 1, source: 'channel', retain: 1_000 }

/** A server that is measured. */
export interface Target {
  readonly server: http.Server
  /**
   * The requests that clients write to new sockets, which connections take in turn. There is one
   * for each channel, or for each set of channels. With an id, they continue after it.
   */
  requests(lastEventId?: string): readonly string[]
  /** The number of subscriptions that get the next event. */
  subscribed(): number
  /**
   * Sends an event to all subscribers of a channel. A returned promise settles once the event is
   * stored.
   */
  publish(event: Tick, channel: number): unknown
}
